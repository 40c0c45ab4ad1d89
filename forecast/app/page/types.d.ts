// Shapes that the server, the tables of the static page and the page share. Field meanings: forecast/app/records.py.

export type Triple = [number, number, number];
/** A prior as a scenario file states it: a word, a distribution, or quantiles. */
export type Statement = string | Record<string, unknown>;

export interface Act {
  date?: string;
  window?: [string, string];
  category: string;
  severity: number;
  /** Who acts, where a target counts acts of some actors only. */
  by?: string;
  probability: number;
  label?: string;
}

export interface State {
  run: string;
  target: string;
  milestone: string;
  priors: Record<string, Statement>;
  events: Act[];
  calendar: Record<string, number>;
  without: string[];
}

export interface Point { day: number; date: string; probability: number; low: number; high: number }

export interface BaseMilestone { probability: number; low: number; high: number; words: string; subject: string; sentence: string }

export interface Stop { steps: number; quantiles: Triple; statement: string; text: string }

export interface PagePrior {
  name: string;
  label: string;
  help: string;
  unit: string;
  effect: number | null;
  moves: boolean;
  key: boolean;
  words: { word: string; quantiles: Triple }[];
  prior: { text: string; quantiles: Triple };
  posterior: { quantiles: Triple };
  scale: { name: string; meaning: string; min: number; max: number; log: boolean };
  stops: Stop[];
  reliable: [number, number];
}

export interface CalendarAct { label: string; date: string; category: string; severity: number; by: string; probability: number }

export interface PastAct {
  id: string; date: string; text: string; category: string; severity: number; effect: number; error: number;
}

export interface PageModel {
  schema: 1;
  run_id: string;
  title: string;
  sides: [string, string];
  as_of: string;
  converged: boolean;
  failures: string[];
  tweaks: boolean;
  refit: boolean;
  horizon_days: number;
  headline: { target: string; milestone: string };
  targets: { name: string; label: string; definition: string; grave: boolean }[];
  milestones: { name: string; label: string; date: string; day: number }[];
  base: Record<string, { curve: Point[]; milestones: Record<string, BaseMilestone> }>;
  priors: PagePrior[];
  calendar: CalendarAct[];
  categories: { name: string; label: string; conflict: boolean; meaning: string }[];
  severities: { value: number; label: string; anchors: Record<string, string> }[];
  /** Who can act; empty where no target asks. */
  actors: string[];
  past: PastAct[];
  cautions: string[];
  waterfall: { name: string; change: number; probability: number }[];
  limits: { acts: number };
  run_folder_name: string;
}

export interface AnswerMilestone {
  name: string; probability: number; low: number; high: number; difference: number; difference_mcse: number;
  difference_at_most?: number | null;
}

export interface Answer {
  status: "ready" | "withheld";
  reason: string | null;
  target: string;
  milestone: string;
  probability: number | null;
  low: number | null;
  high: number | null;
  words: string | null;
  sentence: string;
  base: { probability: number; low: number; high: number };
  difference: number | null;
  difference_mcse: number | null;
  difference_at_most?: number | null;
  assumed: number | null;
  model_adds: number | null;
  curve: Point[];
  milestones: AnswerMilestone[];
  pareto_k: number | null;
  effective_draws: number | null;
  trust: string;
  method: string;
  changes: string[];
  command: string;
  milliseconds: number;
}

export interface Change {
  kind: string;
  name: string;
  text: string;
  reaches: boolean;
  probability: number | null;
  setting: Partial<Pick<State, "priors" | "events" | "calendar">> | null;
}

export interface RefitStatus {
  status: "running" | "done" | "failed" | "cancelled";
  progress: number | null;
  text: string;
  answer: Answer | null;
  error: string | null;
}

export interface RunEntry {
  n: number;
  name: string;
  title: string;
  run_id: string;
  as_of: string;
  made: string;
  converged: boolean;
  headline: { target: string; milestone: string; label: string; date: string; probability: number; words: string } | null;
  page: string | null;
  reason: string | null;
}

/** Effects by target: along a curve, and the Monte Carlo errors by milestone. */
export type Effects = Record<string, { effect: number[]; error: number[] }>;

/** What other beliefs do to the log odds at `beliefDays`; without targets where numbers are withheld. */
export interface Weighed { k: number | null; draws: number | null; trust: string; targets?: Effects }

/** What a certain act on one day does, in parts of the futures that are open then, by days since the act. */
export interface ActEffect { day: number; lags: number[]; targets: Effects }

/** Effects of single changes: forecast/app/tabulated.py writes them. */
export interface Table {
  /** Place in `acts` of each severity, by category, or ``category:actor`` where it matters who acts. A target that an act of `acts` leaves out is met by the act. */
  kinds: Record<string, number[]>;
  acts: ActEffect[][];
  /** Most that a change can be which no future shows. */
  unseen: number;
  /** Monte Carlo errors of the run by target and milestone. */
  errors: Record<string, number[]>;
  /** Curves of likelier targets, with their ranges, at the days of the chart. */
  ranges: Record<string, { probability: number[]; low: number[]; high: number[] }[]>;
  draws: number;
  leastDraws: number;
  /** From ruled out to certain, by label, at the days of the chart. */
  scheduled: Record<string, Effects>;
  beliefDays: number[];
  beliefs: Record<string, Record<string, Weighed>>;
  past: Record<string, Weighed>;
}

export interface Carried { model: PageModel; folder: string; table: Table | null; why: string | null }

/** Where answers come from: the server, or the tables that the page itself carries. */
export interface Source {
  isStatic: boolean;
  model(): Promise<PageModel>;
  answer(state: State, signal: AbortSignal): Promise<Answer>;
  changes(state: State, goal: number | string, signal: AbortSignal): Promise<Change[]>;
  yaml(state: State): Promise<string>;
  startRefit(state: State): Promise<string>;
  refit(job: string): Promise<RefitStatus>;
  cancelRefit(job: string): Promise<void>;
}
