// Numbers and days in words, by the rules of forecast/wording.

/** @import { PageModel } from "./types" */

/** ICD 203: the words and the bounds of their band in percent. @type {[string, number, number][]} */
export const BANDS = [
  ["almost no chance", 1, 5],
  ["very unlikely", 5, 20],
  ["unlikely", 20, 45],
  ["roughly even chance", 45, 55],
  ["likely", 55, 80],
  ["very likely", 80, 95],
  ["almost certain", 95, 99],
];
const MONTHS = [
  "January", "February", "March", "April", "May", "June",
  "July", "August", "September", "October", "November", "December",
];

/** @param {number} probability @returns {string} */
export function likelihoodWords(probability) {
  // On a bound the word nearer to an even chance holds, as in the report.
  const percent = rounded(100 * probability, 10);
  const fromEnd = Math.min(percent, 100 - percent);
  let below = 0;
  BANDS.slice(0, 4).forEach(([, lower], place) => {
    if (place === 0 || fromEnd >= lower) below = place;
  });
  return (BANDS[percent <= 50 ? below : BANDS.length - 1 - below] ?? ["", 0, 0])[0];
}

/** Chance below which an event of high impact is said in odds. */
export const LEAST_WORDED = 0.05;

/** Words for a probability; of a grave event below 5% odds, with the upper end of its range. @param {number} probability @param {number} upper @param {boolean} grave */
export function chanceWords(probability, upper, grave) {
  if (!grave || probability >= LEAST_WORDED) return likelihoodWords(probability);
  const about = odds(probability), most = odds(upper);
  const said = about.startsWith("less") ? about : `about ${about}`;
  return most === about ? said : `${said}, could be ${most}`;
}

/** Odds in two figures. @param {number} probability */
function odds(probability) {
  if (probability < 0.0001) return "less than 1 in 10,000";
  if (probability > 2 / 3) return percent(probability);
  const unit = 10 ** Math.max(Math.floor(Math.log10(1 / probability)) - 1, 0);
  return `1 in ${(rounded(1 / probability / unit, 0) * unit).toLocaleString("en-US")}`;
}

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
