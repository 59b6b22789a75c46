/** The look of the demo page, beside what every page has. */
import { look } from '../../html/look.ts'

export const style = `${look}
main{display:grid;gap:1.2rem 2rem;grid-template-columns:minmax(0,1fr);max-width:64rem}
header{display:flex;flex-wrap:wrap;gap:.3rem 1.5rem;align-items:end;justify-content:space-between}
[hidden]{display:none!important}
h1{margin:.2rem 0 0}h2{margin:.2rem 0 .4rem;font-size:1.1rem}
.stage{display:grid;gap:.8rem;justify-items:center;align-content:start}
#picture{width:min(100%,24rem);aspect-ratio:1;background:var(--card);border:1px solid var(--line);border-radius:.8rem;display:grid;place-items:center;overflow:hidden;margin:0}
#picture img{width:100%;height:100%;image-rendering:pixelated;display:block}
#picture p{color:var(--soft);padding:1rem;text-align:center}
#picture.busy img{opacity:.75}
progress{width:min(100%,24rem);height:.4rem;accent-color:var(--accent);visibility:hidden}progress.on{visibility:visible}
.row{margin-top:.6rem;display:flex;flex-wrap:wrap;gap:.5rem;justify-content:center}
button,.button,select,input{font:inherit;color:var(--ink);background:var(--card);border:1px solid var(--soft);border-radius:.5rem;padding:.45rem .8rem;min-height:2.75rem;cursor:pointer;text-decoration:none;max-width:100%}
input{cursor:text}
button.main{background:var(--accent);border-color:var(--accent);color:var(--paper);font-weight:600}
button:disabled{opacity:.5;cursor:default}
kbd{font:inherit;font-size:.8em;opacity:.75;margin-left:.35rem}
#status{min-height:1.6em;color:var(--soft);text-align:center;margin:0}
#status.wrong{color:var(--copied)}
.strip{display:grid;grid-template-columns:repeat(auto-fill,minmax(4.5rem,1fr));gap:.4rem;width:100%}
.strip button{padding:0;min-height:0;aspect-ratio:1;overflow:hidden}
.strip img{width:100%;height:100%;display:block;image-rendering:pixelated}
.ends{display:grid;grid-template-columns:repeat(2,minmax(0,5rem));gap:.5rem;justify-content:center}
.ends div{aspect-ratio:1;border:1px dashed var(--soft);border-radius:.5rem;overflow:hidden;display:grid;place-items:center;color:var(--soft)}
.ends img{width:100%;height:100%;image-rendering:pixelated}
section+section{margin-top:1.6rem}.card h2+ul{margin-top:0}#rights h2{margin-top:.9rem}
form{display:flex;flex-wrap:wrap;gap:.5rem;align-items:end;justify-content:center}
label{display:grid;gap:.15rem;font-size:.88rem;color:var(--soft)}
label input{width:9.5rem}
#choice{display:block}
.choice{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,9.5rem),1fr));gap:.5rem .8rem;margin-top:.6rem}
.choice input,.choice select{width:100%}
#key{display:none}#key.on{display:flex}
.card{background:var(--card);border:1px solid var(--line);border-radius:.7rem;padding:.9rem 1rem}
dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.2rem .9rem;margin:0;font-size:.94rem}dt{color:var(--soft)}dd{margin:0}
ul.rights{margin:.3rem 0 0;padding-left:1.1rem;font-size:.94rem}
.share{font-weight:600}.share.high{color:var(--copied)}.share.low{color:var(--good)}
@media (min-width:56rem){main{grid-template-columns:minmax(0,24rem) minmax(0,1fr)}header,footer{grid-column:1/-1}}
@media (prefers-reduced-motion:no-preference){#picture img{transition:opacity .15s}}
`
