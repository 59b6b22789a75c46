/** What every page of this package looks like: colours, light and dark, type, and what shows where the keyboard is. */

export const look = `
:root{color-scheme:light dark;--paper:#fbfaf8;--card:#fff;--ink:#1d1c1a;--soft:#625e57;--line:#e2ded6;--accent:#2f5bd8;
--good:#1d7a46;--good-bg:#e7f4ec;--new:#2f5bd8;--new-bg:#e8eefc;--copied:#b3261e;--copied-bg:#fbe9e7;--unknown:#7a5b00;--unknown-bg:#f9f1d9;
--s0:#2f5bd8;--s1:#d0660b;--s2:#1d7a46;--s3:#9b3fb5;--s4:#b3261e}
@media (prefers-color-scheme:dark){:root{--paper:#161513;--card:#201f1c;--ink:#efece6;--soft:#a9a49a;--line:#38352f;--accent:#8fb0ff;
--good:#7fd6a3;--good-bg:#16301f;--new:#9db9ff;--new-bg:#1a2644;--copied:#ff9c93;--copied-bg:#3d1a17;--unknown:#ecc95a;--unknown-bg:#332a0f;
--s0:#8fb0ff;--s1:#ffad66;--s2:#7fd6a3;--s3:#dd9bf0;--s4:#ff9c93}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif;overflow-wrap:anywhere}
main{max-width:72rem;margin:0 auto;padding:1.25rem clamp(.9rem,3vw,2.5rem) 4rem}
header p{color:var(--soft);margin:.2rem 0 0}
h1{font-size:clamp(1.35rem,4.5vw,2rem);line-height:1.2;margin:1rem 0 0;letter-spacing:-.01em}
h2{font-size:1.3rem;line-height:1.25;margin:2.8rem 0 .3rem;letter-spacing:-.01em}
h3{font-size:1rem;margin:0}
p{margin:.4rem 0}
:focus-visible{outline:.19rem solid var(--accent);outline-offset:.13rem}
details{margin:.8rem 0 0}summary{cursor:pointer;color:var(--soft)}details p{color:var(--soft);max-width:52rem}
img.pixels{image-rendering:pixelated}
table{border-collapse:collapse;width:100%;font-size:.92rem}
th,td{text-align:left;vertical-align:top;padding:.35rem .8rem .35rem 0;border-bottom:1px solid var(--line)}
th{font-weight:600;color:var(--soft)}
.note{color:var(--soft);font-size:.92rem;max-width:46rem}
footer{margin-top:3rem;color:var(--soft);font-size:.88rem}
`
