// Shapes of the page's own. What Python sends is typed by its records: `make lint-page` writes records.d.ts from them.
export * from "./records";

/** A prior as a scenario file states it: a word, a distribution, or quantiles. */
export type Statement = string | Record<string, unknown>;

export interface Act {
  date?: string;
  window?: [string, string];
  category: string;
  subcategory?: string;
  severity: number;
  by?: string;
  towards?: string;
  probability: number;
  /** What its being seen says of tension and level counts as well; else it is done, whatever these are. */
  seen?: boolean;
  label?: string;
}

/** A target is so many times as likely on each day of a window. */
export interface Belief {
  target: string;
  window: [string, string];
  ratio: number;
}

export interface State {
  run: string;
  target: string;
  milestone: string;
  priors: Record<string, Statement>;
  reactions: Record<string, unknown>;
  events: Act[];
  beliefs: Belief[];
  calendar: Record<string, number>;
  without: string[];
  new_subcategories: string[];
}

/** What the controls may do to the state; while a slider moves nothing is committed to the history. */
export interface Hands {
  state(): State;
  change(change: (state: State) => void, commit?: boolean): void;
}
