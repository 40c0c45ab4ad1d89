// What a page in one file carries beside its page model: forecast/app/carried.py writes it.

import type { PageModel } from "./types";

export type Family = "Normal" | "LogNormal" | "LogitNormal" | "HalfNormal" | "Exponential" | "Gamma" | "Beta";

export interface Distribution { family: Family; values: number[] }

export interface FutureAct {
  date: string;
  until: string | null;
  category: string;
  severity: number;
  probability: number;
  label: string;
}

export interface Rule { name: string; anyOf: string[]; minSeverity: number }

export interface CarriedPrior {
  name: string;
  label: string;
  group: string;
  column: number;
  support: "real" | "positive" | "unit";
  now: [Family, ...number[]];
  words: Record<string, [Family, ...number[]]>;
  scale: string;
  falls: boolean;
  lowest: number | null;
  highest: number | null;
}

export interface Layout {
  streams: string[];
  conflict: number[];
  calming: number[];
  marked: boolean;
  streamOf: Record<string, (number | null)[]>;
}

export interface SimulationPlan {
  horizon: number;
  firstStepDay: number;
  steps: number;
  stepDays: number;
  knotSteps: number;
  driftKnotSteps: number;
  driftDecay: number;
  halfSaturation: number;
  severe: number;
  severeDecay: number;
  rateCap: number;
  mostLogRate: number;
  normalUnit: number;
  paths: number;
  draws: number;
  width: number;
  keys: [string, string][];
  purposes: { count: number; day: number; calendar: number; mark: number; window: number };
}

/** Plain values; arrays follow their JSON, at the places that `arrays` names. */
export interface CarriedPlain {
  origin: string;
  lastDay: string;
  targets: string[];
  rules: Rule[];
  calendar: FutureAct[];
  chains: number;
  every: number;
  gates: { k: number; draws: number };
  layout: Layout;
  priors: CarriedPrior[];
  groups: string[];
  key: Record<string, string[]>;
  pastIds: string[];
  simulation: SimulationPlan;
}

export interface Carried extends CarriedPlain {
  /** Positions among the carried draws of those that are played. */
  played: Uint32Array;
  /** Their positions in the run. */
  playedInRun: Uint32Array;
  /** Shape (parameter, draw). */
  parameters: Uint16Array;
  parameterEnds: Float64Array;
  draws: number;
  /** Shape (target, draw, path). */
  firstDay: Uint16Array;
  pathsPerDraw: number;
  pathWeights: Float64Array | null;
  pathWeight: Uint16Array | Uint32Array | null;
  dispersion: Float64Array | null;
  /** Shape (target, 3, day): probability and its interval in the whole run. */
  curve: Float64Array;
  felt: Float64Array;
  severePast: Float64Array;
  tension: Float64Array;
  tensionNormals: Int16Array;
  drift: Float64Array;
  driftNormals: Int16Array;
}

export interface Place { type: "uint16" | "uint32" | "int16" | "float64" | "int64"; at: number; shape: number[] }

export interface Unpacked {
  model: PageModel;
  /** Name of the run folder in the command. */
  folder: string;
  /** Null where the engine cannot answer for such a run. */
  run: CarriedPlain | null;
  why: string;
  arrays: Record<string, Place>;
}

export interface Payload { schema: 1; packed: string }
