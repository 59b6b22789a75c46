/** How long a picture takes in a visitor's browser, guessed before anyone has tried. */

/** Multiply-adds a second of onnxruntime-web on one thread; docs/onnx.md has what was measured. */
const PER_SECOND = 8e9
/** What a small step costs beside its products. */
const STEP_SECONDS = 0.02

export const secondsOf = (multiplyAdds: number, steps: number): number =>
  steps * (multiplyAdds / PER_SECOND + STEP_SECONDS)

/** `about 0.7 s`, `about 15 s`, `about 3 minutes`. */
export function timeText(seconds: number): string {
  if (seconds < 10) return `about ${Math.max(0.1, seconds).toFixed(1)} s`
  return seconds < 120 ? `about ${Math.ceil(seconds)} s` : `about ${Math.ceil(seconds / 60)} minutes`
}
