/** The demo page's script. It runs in a browser as it stands here, and shows texts from the server as texts only. */

export const script = `
const $ = (id) => document.getElementById(id)
const show = { picture: $('picture'), status: $('status'), progress: $('progress'), strip: $('strip') }
let models = [], limits = { count: 1 }, now = null, ends = {}, running = null

function say(text, wrong = false) {
  show.status.textContent = text
  show.status.className = wrong ? 'wrong' : ''
}
function element(name, text, className) {
  const made = document.createElement(name)
  if (text !== undefined) made.textContent = text
  if (className) made.className = className
  return made
}
function imageOf(shot) {
  const image = element('img')
  image.src = shot.source
  image.alt = nameOf(shot)
  return image
}
function nameOf({ place, wanted }) {
  const where = place.mix === undefined ? 'Seed ' + place.seed : Math.round(place.mix * 100) + ' % from seed ' + place.seed + ' to ' + place.to_seed
  const attributes = Object.entries(wanted.attributes ?? {}).map(([name, value]) => name + ' ' + [value].flat().join(' and '))
  return [where, ...attributes, ...(wanted.prompt ? [wanted.prompt] : [])].join(', ')
}
const model = () => models.find(({ id }) => id === $('model').value) ?? models[0]

async function call(path, init = {}) {
  const token = sessionStorage.getItem('token')
  const headers = { ...init.headers, ...(token ? { authorization: 'Bearer ' + token } : {}) }
  const response = await fetch(path, { ...init, headers })
  if (response.status === 401) $('key').className = 'on'
  if (response.ok) return response
  const { error } = await response.json().catch(() => ({ error: { message: 'The server answered ' + response.status + '.' } }))
  const again = response.headers.get('retry-after')
  throw new Error(error.message + (again ? ' Try again in ' + again + ' s.' : ''))
}

/** Server-sent events of a response, one after the other. */
async function* eventsOf(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  for (;;) {
    const { value, done } = await reader.read()
    if (done) return
    text += value
    for (let end = text.indexOf('\\n\\n'); end >= 0; end = text.indexOf('\\n\\n')) {
      const data = text.slice(0, end).split('\\n').find((line) => line.startsWith('data: '))
      text = text.slice(end + 2)
      if (data) yield JSON.parse(data.slice(6))
    }
  }
}

/** Asks for pictures; what ran before is given up. onShot is called with each as it comes. */
async function make(fields, onShot) {
  running?.abort()
  const own = running = new AbortController()
  show.progress.className = 'on'
  show.progress.value = 0
  show.picture.classList.add('busy')
  const begun = performance.now()
  let previews = 0
  const { n = 1, partial_images = 0, attributes, prompt, guidance } = fields
  const wanted = JSON.parse(JSON.stringify({ attributes, prompt, guidance }))
  try {
    const response = await call('v1/images/generations', {
      method: 'POST', signal: own.signal, headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: model()?.id, stream: true, output_format: 'webp', ...fields }),
    })
    let done = 0
    for await (const event of eventsOf(response)) {
      if (event.error) throw new Error(event.error.message)
      const { seed, to_seed, mix, index, b64_json, output_format } = event
      const place = mix === undefined ? { seed } : { seed, to_seed, mix }
      const final = event.type === 'image_generation.completed'
      if (final) done += 1
      else previews += 1
      show.progress.value = final ? done / n : Math.max(show.progress.value, previews / (partial_images + 1) / n)
      onShot({ source: 'data:image/' + output_format + ';base64,' + b64_json, place, wanted, index, model: event.model }, final)
    }
    say('Made in ' + ((performance.now() - begun) / 1000).toFixed(1) + ' s.')
  } catch (error) {
    if (own.signal.aborted) return
    say(error.message, true)
  } finally {
    if (running === own) {
      show.progress.className = ''
      show.picture.classList.remove('busy')
      running = null
    }
  }
}

function look(shot, final = true) {
  show.picture.replaceChildren(imageOf(shot))
  if (!final) return
  now = shot
  $('seed').value = shot.place.seed
  for (const id of ['like', 'share', 'take-from', 'take-to']) $(id).disabled = false
  $('save').hidden = false
  $('save').href = shot.source
  $('save').download = shot.model + '-seed-' + shot.place.seed + (shot.place.mix === undefined ? '' : '-to-' + shot.place.to_seed + '-' + shot.place.mix.toFixed(3)) + '.webp'
  const { attributes, ...said } = shot.wanted
  const link = new URLSearchParams({ model: shot.model, ...shot.place, ...(attributes && { attributes: JSON.stringify(attributes) }), ...said })
  history.replaceState(null, '', '#' + link)
}
const one = (fields) => make({ n: 1, partial_images: 10, ...fields }, look)

function many(fields) {
  const places = Array.from({ length: fields.n }, () => element('button'))
  for (const button of places) {
    button.type = 'button'
    button.disabled = true
    button.setAttribute('aria-label', 'Not made yet')
  }
  $('hint').hidden = true
  show.strip.replaceChildren(...places)
  return make(fields, (shot, final) => {
    const button = places[shot.index]
    button.replaceChildren(imageOf(shot))
    if (!final) return
    button.disabled = false
    button.setAttribute('aria-label', nameOf(shot))
    button.onclick = () => look(shot)
  })
}
const anySeed = () => crypto.getRandomValues(new Uint32Array(1))[0]
const fresh = () => one({ seed: anySeed(), ...wanted() })
const like = () => now && many({ n: limits.count, seed: now.place.seed, mix: 0.25, ...now.wanted })
const grid = () => many({ n: limits.count, seed: anySeed(), ...wanted() })
function walk() {
  const { from, to } = ends
  if (!from || !to) return
  if (JSON.stringify(from.wanted) !== JSON.stringify(to.wanted)) return say('A and B were asked for different things. Make one of them again with the choice of the other.', true)
  many({ n: limits.count, seed: from.place.seed, to_seed: to.place.seed, ...from.wanted })
}

/** What the visitor asks for, as fields of a request: only what is not left open. */
function wanted() {
  const attributes = [...$('attributes').querySelectorAll('[data-name]')]
    .map(({ value, dataset }) => [dataset.name, value.trim(), dataset.kind])
    .filter(([, value]) => value !== '')
    .map(([name, value, kind]) => [name, kind === 'number' ? Number(value) : kind === 'words' ? value.split(',').map((word) => word.trim()).filter(Boolean) : value])
  const prompt = $('prompt').value.trim()
  const asked = { ...(attributes.length > 0 && { attributes: Object.fromEntries(attributes) }), ...(prompt && { prompt }) }
  return model().guidance && Object.keys(asked).length > 0 ? { ...asked, guidance: Number($('guidance').value || 1) } : asked
}
/** A link may have been cut off. */
function parsed(text) {
  try {
    return JSON.parse(text) ?? {}
  } catch {
    return {}
  }
}
/** Sets the choice to what a link asks for. */
function choose({ attributes = {}, prompt = '', guidance = 2 }) {
  for (const control of $('attributes').querySelectorAll('[data-name]')) {
    const value = Object.hasOwn(attributes, control.dataset.name) ? attributes[control.dataset.name] : ''
    control.value = [value].flat().join(', ')
  }
  $('prompt').value = prompt
  $('guidance').value = guidance
}
/** One control for each attribute. The names are those of folders and tables, so they are never markup. */
function controlOf({ name, kind, values, min, max }) {
  const yesOrNo = kind === 'number' && min === 0 && max === 1
  const control = element(kind === 'class' || yesOrNo ? 'select' : 'input')
  if (control.tagName === 'SELECT') control.append(new Option('any', ''), ...(yesOrNo ? ['yes', 'no'] : values).map((value) => new Option(value, value)))
  else if (kind === 'number') Object.assign(control, { type: 'number', min, max, step: 'any', placeholder: min + ' to ' + max })
  else Object.assign(control, { autocomplete: 'off', placeholder: values.slice(0, 3).join(', ') })
  control.dataset.name = name
  control.dataset.kind = yesOrNo ? 'switch' : kind
  const label = element('label', name)
  label.append(control)
  return label
}
/** What the model can be asked for; nothing of a model without labels. */
function offer() {
  const { labels, guidance } = model()
  $('wanted').hidden = !labels
  $('attributes').replaceChildren(...(labels ?? []).map(controlOf))
  const words = (labels ?? []).flatMap(({ name, kind, values, min, max }) => values ?? (min === 0 && max === 1 ? [name] : []))
  $('says').hidden = words.length === 0
  $('words').replaceChildren(...words.slice(0, 500).map((word) => element('option', word)))
  $('follows').hidden = !guidance
  choose({})
}

function take(end) {
  if (!now) return
  if (now.place.mix !== undefined) return say('A and B are pictures of one seed; this one lies between two.', true)
  ends[end] = now
  $(end).replaceChildren(imageOf(now))
  $('walk').disabled = !(ends.from && ends.to)
}

function percent(value) { return (100 * value).toFixed(1) + ' %' }
function fact(name, text, className) {
  $('facts').append(element('dt', name), element('dd', text, className))
}
function describe() {
  const { id, kind, images, size, data, copyShare, steps } = model()
  $('title').textContent = id
  document.title = id
  $('facts').replaceChildren()
  $('rights').replaceChildren()
  fact('Kind', kind + ', ' + size + ' x ' + size + ' pixels' + (steps ? ', ' + steps + ' steps' : ''))
  fact('Has seen', images.toLocaleString('en-US') + ' images')
  if (data) fact('Trained on', data.count.toLocaleString('en-US') + ' pictures of ' + data.name)
  else fact('Trained on', 'not on record')
  if (copyShare) {
    const { value, low, high, n, by } = copyShare
    fact('Copies', percent(value) + ' of ' + n + ' samples were near copies of training pictures (95 %: ' + percent(low) + ' to ' + percent(high) + '; found by the ' + by + ')', 'share ' + (low > 0.05 ? 'high' : high < 0.05 ? 'low' : ''))
  } else fact('Copies', 'nobody has looked')
  if (!data) return
  $('rights').append(element('h2', 'Whose pictures it learned from'))
  const list = element('ul', undefined, 'rights')
  for (const { licence, author, source, count } of data.rights.slice(0, 20))
    list.append(element('li', count.toLocaleString('en-US') + ': ' + [licence ?? 'licence not stated', author, source].filter(Boolean).join(', ')))
  const left = data.rights.length - 20
  if (left > 0) list.append(element('li', 'and ' + left + ' more groups'))
  $('rights').append(list)
}

async function start() {
  try {
    const answer = await (await call('v1/models')).json()
    models = answer.data
    limits = answer.limits
    $('key').className = ''
    $('model').replaceChildren(...models.map(({ id }) => element('option', id)))
    $('models').hidden = models.length < 2
    const shared = new URLSearchParams(location.hash.slice(1))
    if (models.some(({ id }) => id === shared.get('model'))) $('model').value = shared.get('model')
    if (limits.count < 2) for (const id of ['like', 'grid', 'walk']) $(id).hidden = true
    describe()
    offer()
    say('')
    if (/^\\d{1,10}$/.test(shared.get('seed') ?? '')) {
      const place = { seed: Number(shared.get('seed')) }
      if (shared.has('mix')) Object.assign(place, { to_seed: Number(shared.get('to_seed')), mix: Number(shared.get('mix')) })
      choose({ attributes: parsed(shared.get('attributes')), prompt: shared.get('prompt') ?? '', guidance: shared.get('guidance') ?? 2 })
      await one({ ...place, ...wanted() })
    }
  } catch (error) {
    say(error.message, true)
  }
}

$('new').onclick = fresh
$('like').onclick = like
$('grid').onclick = grid
$('walk').onclick = walk
$('take-from').onclick = () => take('from')
$('take-to').onclick = () => take('to')
$('share').onclick = () => navigator.clipboard.writeText(location.href).then(() => say('The link is copied.'), () => say(location.href))
$('choice').onsubmit = (event) => {
  event.preventDefault()
  fresh()
}
$('open').onclick = () => choose({})
$('model').onchange = () => { describe(); offer(); ends = {}; $('from').textContent = 'A'; $('to').textContent = 'B'; $('walk').disabled = true }
$('form').onsubmit = (event) => {
  event.preventDefault()
  if (/^\\d{1,10}$/.test($('seed').value)) one({ seed: Number($('seed').value), ...wanted() })
  else say('A seed is a number from 0 to 4294967295.', true)
}
$('key').onsubmit = (event) => {
  event.preventDefault()
  sessionStorage.setItem('token', $('token').value.trim())
  start()
}
const keys = { n: fresh, m: like, g: grid, w: walk, a: () => take('from'), b: () => take('to') }
addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches('input,select')) return
  const done = keys[event.key.toLowerCase()]
  if (!done) return
  event.preventDefault()
  done()
})
addEventListener('hashchange', start)
start()
`
