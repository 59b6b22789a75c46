/** What a run does besides training: which phase it is in, and how far that has come. */
import type { DataProgress } from '../data/dataset.ts'

/**
 * "measure": how fast the machine trains; "trial": which backend its GPU trains with; "preview": sampling a grid;
 * "checkpoint": copying and saving one while training waits. Their `done` is a share of a `total` of 1; "read",
 * "decode" and "compare" count pictures.
 */
export type Phase = DataProgress | { phase: 'measure' | 'trial' | 'preview' | 'checkpoint'; done: number; total: 1 }

/** Says a phase when it begins, and each share of it that its work reports. */
export type OnPhase = (phase: Phase) => void
