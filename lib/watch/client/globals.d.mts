/** What stands before the page's modules in its one script. */
import type uPlotType from 'uplot'

declare global {
  const uPlot: typeof uPlotType
}
