/** The look of the report beside what every page has: its cards, charts and pairs, from 320 to 1440 pixels, and on paper. */
import { look } from '../../html/look.ts'

export const style = `${look}section>h3{margin:1.4rem 0 0}
h2+p{color:var(--soft);margin:.1rem 0 1rem;max-width:46rem}
.verdict{margin:1.4rem 0 0;padding:1.1rem 1.25rem;border-radius:.8rem;border-left:.45rem solid}
.verdict strong{display:block;font-size:clamp(1.6rem,6vw,2.4rem);line-height:1.15;letter-spacing:-.02em}
.verdict p{font-size:1.05rem;max-width:52rem}
.verdict ul{margin:.7rem 0 0;padding-left:1.2rem;max-width:52rem}
.verdict.good{background:var(--good-bg);border-color:var(--good)}.verdict.good strong{color:var(--good)}
.verdict.new{background:var(--new-bg);border-color:var(--new)}.verdict.new strong{color:var(--new)}
.verdict.copied{background:var(--copied-bg);border-color:var(--copied)}.verdict.copied strong{color:var(--copied)}
.verdict.unknown{background:var(--unknown-bg);border-color:var(--unknown)}.verdict.unknown strong{color:var(--unknown)}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,19rem),1fr));gap:.9rem}
.card{background:var(--card);border:1px solid var(--line);border-radius:.7rem;padding:.9rem 1rem;break-inside:avoid}
.card .value{font-size:1.7rem;line-height:1.2;font-variant-numeric:tabular-nums;letter-spacing:-.01em;margin:.15rem 0 0}
.card .value.none{font-size:1.1rem;color:var(--soft)}
.card .within{color:var(--soft);font-size:.88rem;margin:0;font-variant-numeric:tabular-nums}
.card .text{font-size:.92rem;margin:.5rem 0 0}
.card dl{display:flex;flex-wrap:wrap;gap:.1rem .8rem;margin:.55rem 0 0;padding-top:.5rem;border-top:1px solid var(--line);font-size:.88rem}
.card div{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 .8rem;width:100%}.card dt{color:var(--soft)}.card dd{margin:0 0 0 auto;font-variant-numeric:tabular-nums}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr));gap:.9rem}
figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:.7rem;padding:.8rem .8rem .6rem;break-inside:avoid}
figcaption{font-weight:600;font-size:.95rem;margin:0 0 .4rem}
svg.chart{display:block;width:100%;height:auto}
.tick{font-size:13px;fill:var(--soft)}.rule{stroke:var(--line);stroke-width:1}.axis{stroke:var(--soft);stroke-width:1}
.line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.line.s0{stroke:var(--s0)}.line.s1{stroke:var(--s1)}.line.s2{stroke:var(--s2)}.line.s3{stroke:var(--s3)}.line.s4{stroke:var(--s4)}
.dot.s0,.bar.s0{fill:var(--s0)}.dot.s1,.bar.s1{fill:var(--s1)}.dot.s2{fill:var(--s2)}.dot.s3{fill:var(--s3)}.dot.s4{fill:var(--s4)}
.bar{opacity:.6}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1rem;margin:.3rem 0 0;padding:0;font-size:.85rem;color:var(--soft)}
.key{display:inline-block;width:.8em;height:.8em;border-radius:.2em;margin-right:.4em;vertical-align:-.05em}
.key.s0{background:var(--s0)}.key.s1{background:var(--s1)}.key.s2{background:var(--s2)}.key.s3{background:var(--s3)}.key.s4{background:var(--s4)}
svg.share{display:block;width:100%;max-width:16rem;height:14px;margin:.25rem 0 0}
.range{stroke:var(--accent);stroke-width:4;stroke-linecap:round;opacity:.45}.mark{fill:var(--accent)}
.pairs{display:grid;grid-template-columns:repeat(auto-fill,minmax(8.5rem,1fr));gap:.7rem}
.pair{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:.5rem;font-size:.78rem;line-height:1.35;color:var(--soft);break-inside:avoid}
.pair div{display:grid;grid-template-columns:1fr 1fr;gap:.35rem;margin-bottom:.35rem}
.pair img{width:100%;height:auto;aspect-ratio:1;display:block;border-radius:.25rem}
.pair b{color:var(--ink);font-variant-numeric:tabular-nums}
.grids{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,18rem),1fr));gap:.9rem}
.grids figure{padding:.5rem}.grids img{width:100%;height:auto;display:block;border-radius:.3rem}
.grids figcaption{font-weight:400;font-size:.85rem;color:var(--soft);margin:.4rem 0 0}
.facts th{width:11rem;font-weight:400}
.scroll{overflow-x:auto}.scroll th{overflow-wrap:normal}
.options{columns:20rem;column-gap:2rem;font-size:.85rem;list-style:none;padding:0;margin:.6rem 0 0}
.options li{break-inside:avoid;display:flex;justify-content:space-between;gap:1rem;border-bottom:1px solid var(--line);padding:.15rem 0}
.options li>*{min-width:0}.options span{color:var(--soft)}
@media (max-width:30rem){.facts th,.facts td{display:block;width:auto;padding-right:0}.facts th{border:0;padding-bottom:0}.pairs{grid-template-columns:repeat(2,1fr)}}
@media print{:root{color-scheme:light;--paper:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#bbb;--accent:#2f5bd8;--good:#1d7a46;--good-bg:#fff;--new:#2f5bd8;--new-bg:#fff;--copied:#b3261e;--copied-bg:#fff;--unknown:#7a5b00;--unknown-bg:#fff;--s0:#2f5bd8;--s1:#d0660b;--s2:#1d7a46;--s3:#9b3fb5;--s4:#b3261e}
body{font-size:10.5pt}main{max-width:none;padding:0}h2{break-after:avoid}.verdict{border:1px solid;border-left:.45rem solid}}
`
