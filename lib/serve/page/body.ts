/** What is on the demo page before its script has asked for anything. */
import { html } from '../../html/markup.ts'

export const body = html`<main>
<header><div><h1 id="title">Pictures</h1><p id="lead">Made by a model, on this server.</p></div>
<label id="models" hidden>Model<select id="model"></select></label></header>
<form id="key"><label>Token of this server<input id="token" type="password" autocomplete="off" spellcheck="false"></label><button>Use it</button></form>
<section class="stage" aria-label="Picture">
<figure id="picture"><p>Press New picture.</p></figure>
<progress id="progress" max="1" value="0" aria-label="How far the picture is"></progress>
<p id="status" role="status" aria-live="polite"></p>
<div class="row"><button class="main" id="new" type="button">New picture<kbd>N</kbd></button><button id="like" type="button" disabled>More like this<kbd>M</kbd></button><button id="grid" type="button">Grid<kbd>G</kbd></button></div>
<form id="form"><label>Seed<input id="seed" inputmode="numeric" pattern="[0-9]{1,10}" autocomplete="off"></label><button>Make it</button></form>
<div class="row"><a class="button" id="save" hidden>Save the file</a><button id="share" type="button" disabled>Copy link</button></div>
</section>
<div>
<section id="wanted" aria-label="What to make" hidden><h2>What to make</h2><p class="note">What you leave open is left to the seed.</p>
<form id="choice"><div class="choice" id="attributes"></div>
<div class="choice"><label id="says">In words<input id="prompt" autocomplete="off" maxlength="4000" list="words"></label><datalist id="words"></datalist>
<label id="follows">How strongly it follows<input id="guidance" type="number" min="0" max="100" step="0.5" value="2"></label></div>
<div class="row"><button>Make one so</button><button id="open" type="button">Leave all open</button></div></form></section>
<section aria-label="More pictures"><h2>More pictures</h2><div class="strip" id="strip"></div><p class="note" id="hint">A grid, pictures like one, or a walk between two appear here. Choose one to look at it.</p></section>
<section aria-label="Between two"><h2>Between two</h2><div class="ends"><div id="from">A</div><div id="to">B</div></div>
<div class="row"><button id="take-from" type="button" disabled>This is A<kbd>A</kbd></button><button id="take-to" type="button" disabled>This is B<kbd>B</kbd></button><button id="walk" type="button" disabled>Walk<kbd>W</kbd></button></div></section>
<section class="card" aria-label="About the model"><h2>About the model</h2><dl id="facts"></dl><div id="rights"></div></section>
</div>
<footer>Every file says inside that a model made it, which one, and from which seed. The same link gives the same picture.</footer>
</main>`
