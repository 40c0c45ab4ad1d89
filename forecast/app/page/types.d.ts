// Shapes of the page's own. What Python sends is typed by its records: `make lint-page` writes records.d.ts from them.
import type { Answer, PageModel, RefitStatus } from "./records";

export * from "./records";

export type Triple = [number, number, number];
/** A prior as a scenario file states it: a word, a distribution, or quantiles. */
export type Statement = string | Record<string, unknown>;

/** A probability to be reached, and the one it starts from. */
export interface Goal { from: number; bound: number }

/** A probability that somebody holds of the run, which it is to be reconciled with. */
export interface HeldGoal { run: string; target: string; milestone: string; probability: number }

/** One change that was tried: the part of a state that it takes the place of, and what it comes to. */
export interface GoalChange {
  kind: "prior" | "act" | "calendar";
  name: string;
  setting: Partial<State>;
  text: string;
  reaches: boolean;
  probability: number;
}

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

/** Effects by target: along a curve, and the Monte Carlo errors by milestone. */
export type Effects = Record<string, { effect: number[]; error: number[] }>;

/** What other beliefs do to the log odds at `beliefDays`; without targets where numbers are withheld. */
export interface Weighed { k: number | null; draws: number | null; trust: string; targets?: Effects }

/** What a certain act on one day does, in parts of the futures that are open then, by days since the act. */
export interface ActEffect { day: number; lags: number[]; targets: Effects }

/** Effects of single changes: forecast/app/static_page.py writes them. */
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
  /** The run, as a command names it. */
  folder: string;
  model(): Promise<PageModel>;
  answer(state: State, signal: AbortSignal): Promise<Answer>;
  yaml(state: State): Promise<string>;
  startRefit(state: State): Promise<string>;
  startReconcile(goal: HeldGoal): Promise<string>;
  refit(job: string): Promise<RefitStatus>;
  cancelRefit(job: string): Promise<void>;
}

/** What the controls may do to the state. */
export interface Hands {
  state(): State;
  change(change: (state: State) => void, options?: { commit?: boolean }): void;
}
