// Shapes of the page's own. What Python sends is typed by its records: `make lint-page` writes records.d.ts from them.
export * from "./records";

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

/** What the controls may do to the state; while a slider moves nothing is committed to the history. */
export interface Hands {
  state(): State;
  change(change: (state: State) => void, commit?: boolean): void;
}
