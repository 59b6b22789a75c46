/** The look of the page to watch runs by, on a phone and on a wide screen. */
import { look } from '../html/look.ts'

export const style = `${look}
.skip{position:absolute;left:-100vw}.skip:focus{left:.5rem;top:.5rem;z-index:9;background:var(--card);padding:.4rem .8rem}
.layout{display:grid;grid-template-columns:minmax(0,17rem) minmax(0,1fr);max-width:100rem;margin:0 auto}
aside{padding:1.25rem 0 2rem 1.25rem;position:sticky;top:0;max-height:100vh;overflow:auto}
aside h1{font-size:1.15rem;margin:0}aside h2{font-size:1rem;margin:1rem 0 .3rem}
main{max-width:none;margin:0;min-width:0}main:focus{outline:none}
aside ul,aside ol{list-style:none;margin:0;padding:0}
aside li{padding:.4rem 0;border-bottom:1px solid var(--line);display:flex;flex-direction:column;gap:.1rem;font-size:.92rem}
aside a{color:var(--accent);text-decoration:none;padding:.15rem 0}aside a[aria-current]{font-weight:700;color:var(--ink)}
aside code{font-size:.82rem}
.training{color:var(--good)}
.buttons{display:flex;gap:.4rem;margin-top:.3rem}
button,select{font:inherit;color:inherit;background:var(--card);border:1px solid var(--soft);border-radius:.4rem;padding:.35rem .7rem;min-height:2.2rem;max-width:100%}
button:disabled{opacity:.45}button:not(:disabled){cursor:pointer}
.state{color:var(--soft);font-variant-numeric:tabular-nums;margin:.3rem 0}
progress{width:100%;accent-color:var(--accent);height:.6rem}
.warning{color:var(--copied)}p.warning:empty{display:none}
.controls{display:flex;flex-wrap:wrap;align-items:center;gap:.5rem .8rem;margin:.6rem 0}
.controls input[type=range]{flex:1 1 12rem;min-width:0;accent-color:var(--accent);min-height:2rem}
.controls output{font-variant-numeric:tabular-nums;color:var(--soft)}
.grids{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,18rem),1fr));gap:.9rem;align-items:start}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr));gap:.9rem}
figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:.7rem;padding:.8rem;min-width:0}
figure[hidden]{display:none}
figcaption{font-weight:600;font-size:.95rem;margin:0 0 .4rem;display:flex;flex-wrap:wrap;justify-content:space-between;gap:.2rem .8rem}
figcaption .log{font-weight:400;color:var(--soft);font-size:.88rem}
figure img{display:block;width:100%;max-width:40rem;height:auto;border-radius:.3rem}
figure .note{margin:0 0 .5rem;font-size:.85rem}
.canvas{width:100%;overflow:hidden;min-height:220px}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1rem;margin:.3rem 0 0;padding:0;font-size:.85rem;color:var(--soft);font-variant-numeric:tabular-nums}
.legend b{color:var(--ink);font-weight:600}
.key{display:inline-block;width:.9em;height:.9em;border-radius:.2em;margin-right:.4em;vertical-align:-.08em}
.facts th{width:14rem;font-weight:400}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.scroll{overflow-x:auto}.scroll th,.scroll td{overflow-wrap:normal}
.options .facts tbody{display:block;columns:20rem;column-gap:2rem;font-size:.88rem}
.options tr{display:flex;justify-content:space-between;gap:1rem;border-bottom:1px solid var(--line);break-inside:avoid}
.options th,.options td{border:0;padding:.15rem 0;min-width:0;width:auto}.options td{text-align:right}
.log-lines{max-height:24rem;overflow:auto;background:var(--card);border:1px solid var(--line);border-radius:.7rem;padding:.8rem;font-size:.82rem;line-height:1.5;white-space:pre-wrap;overflow-wrap:anywhere;margin:0}
h2{margin-top:2rem}
@media (max-width:60rem){.layout{display:block}aside{position:static;max-height:none;padding:1rem 1rem 0}main{padding-top:.3rem}}
@media (max-width:30rem){.facts th,.facts td{display:block;width:auto;padding-right:0}.facts th{border:0;padding-bottom:0}.options th,.options td{display:inline}}
@media (prefers-reduced-motion:no-preference){html{scroll-behavior:smooth}}
`
