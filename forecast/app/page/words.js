// Numbers and days in words, by the rules of forecast/wording.

/** @import { PageModel } from "./types" */

const MONTHS = [
  "January", "February", "March", "April", "May", "June",
  "July", "August", "September", "October", "November", "December",
];

/** Whole percent; one decimal below 5% and above 95%; never 0% or 100%. @param {number} probability */
export function percent(probability) {
  return `${bounded(probability)}%`;
}

/** A chance that may be 0 or 1. @param {number} chance */
export function share(chance) {
  return chance === 0 ? "0%" : chance === 1 ? "100%" : percent(chance);
}

/** @param {number} low @param {number} high */
export function intervalPercent(low, high) {
  const lower = bounded(low);
  const upper = bounded(high);
  if (lower === upper) return `${lower}%`;
  if (lower.startsWith("<")) return upper.startsWith(">") ? "any" : `up to ${upper}%`;
  return upper.startsWith(">") ? `${lower}% or more` : `${lower}–${upper}%`;
}

/** @param {number} change @param {number} [digits] */
export function signedPoints(change, digits = 1) {
  const shown = rounded(100 * change, digits);
  const size = Math.abs(shown).toFixed(digits);
  return shown === 0 ? size : `${shown > 0 ? "+" : "−"}${size}`;
}

/** @param {number} change */
export function points(change) {
  return `${Math.abs(rounded(100 * change, 1)).toFixed(1)} points`;
}

/** An upper bound in points, rounded up. @param {number} bound */
export function boundInPoints(bound) {
  return (Math.max(Math.ceil(1e4 * bound - 1e-9), 1) / 100).toFixed(2);
}

/** @param {string} iso */
export function longDay(iso) {
  const [year, month, day] = parts(iso);
  return `${day} ${MONTHS[month - 1]} ${year}`;
}

/** @param {string} iso */
export function shortDay(iso) {
  const [year, month, day] = parts(iso);
  return `${day} ${(MONTHS[month - 1] ?? "").slice(0, 3)} ${year}`;
}

/** @param {string} iso */
export function monthOf(iso) {
  const [year, month] = parts(iso);
  return `${(MONTHS[month - 1] ?? "").slice(0, 3)} ${year}`;
}

/** @param {string} iso @returns {[number, number, number]} */
function parts(iso) {
  const [year = 0, month = 1, day = 1] = iso.split("-").map(Number);
  return [year, month, day];
}

/** Two significant figures, whole from 10 on. @param {number} value */
export function plainNumber(value) {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const digits = Math.max(1 - Math.floor(Math.log10(Math.abs(value))), 0);
  return String(Number(value.toFixed(Math.min(digits, 12)))).replace("-", "−");
}

/** @param {number} probability */
function bounded(probability) {
  const exact = 100 * probability;
  if (exact < 0.1) return "<0.1";
  if (exact > 99.9) return ">99.9";
  const whole = rounded(exact, 0);
  if (exact >= 5 && exact <= 95) return String(whole);
  const fine = rounded(exact, 1);
  return String(fine === whole ? whole : fine);
}

/** Halves away from zero, as readers round. @param {number} value @param {number} digits */
function rounded(value, digits) {
  const unit = 10 ** digits;
  return (Math.sign(value) * Math.round(Math.abs(value) * unit + 1e-9)) / unit;
}

/** @param {string} text */
export function capital(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

/** What a category is called. @param {PageModel} model @param {string} category */
export function categoryName(model, category) {
  return model.categories.find((one) => one.name === category)?.label ?? category.replaceAll("_", " ");
}

/** Days from one day to another. @param {string} from @param {string} to */
export function daysBetween(from, to) {
  return Math.round((Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / 86_400_000);
}

/** First days of the months after a day, up to another. @param {string} first @param {string} last */
export function monthsBetween(first, last) {
  let [year, month] = parts(first);
  const days = [];
  for (;;) {
    [year, month] = month === 12 ? [year + 1, 1] : [year, month + 1];
    const iso = `${year}-${String(month).padStart(2, "0")}-01`;
    if (iso > last) return days;
    days.push(iso);
  }
}

/** @param {string} iso @param {number} days */
export function dayAfter(iso, days) {
  return new Date(Date.parse(`${iso}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}
