/** XMP packets: what a picture of this package says about its making, and what a found one says about training. */

/** What the metadata of a picture drawn by this package says. */
export type PictureMetadata = {
  /** IPTC's word for pictures made by a trained model. */
  digitalSourceType: string
  /** Seed and settings, as they were given to the encoder. */
  settings: Readonly<Record<string, unknown>>
}

/** https://cv.iptc.org/newscodes/digitalsourcetype/ */
const MADE_BY_MODEL = 'http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia'
const PACKET_ID = 'W5M0MpCehiHzreSzNTczkc9d'

const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' } as const
const toXml = (text: string) => text.replace(/[&<>"]/g, (c) => entities[c as keyof typeof entities])
const characters = Object.fromEntries(Object.entries(entities).map(([character, entity]) => [entity, character]))
const fromXml = (text: string) => text.replace(/&(?:amp|lt|gt|quot);/g, (entity) => characters[entity]!)

/** What each picture of this package says: what made it. */
const CREATOR = 'xmp:CreatorTool'
const NAME = 'shinsaku'

/** A packet that marks a picture as made by a model, with its settings as JSON; without any, as made by this package. */
export function writeXmp(settings?: Readonly<Record<string, unknown>>): string {
  const source = `
   <Iptc4xmpExt:DigitalSourceType>${MADE_BY_MODEL}</Iptc4xmpExt:DigitalSourceType>`
  const said =
    settings &&
    `
   <shinsaku:settings>${toXml(JSON.stringify(settings))}</shinsaku:settings>`
  return `<?xpacket begin="\uFEFF" id="${PACKET_ID}"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:shinsaku="https://www.npmjs.com/package/shinsaku#">${said ? source : ''}
   <${CREATOR}>${NAME}</${CREATOR}>${said ?? ''}
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>`
}

/** Settings are a few hundred characters; what JSON makes of more is not worth its memory. */
const MAX_SETTINGS = 2 ** 15

const element = (packet: string, name: string) => packet.match(new RegExp(`<${name}>([^<]*)</${name}>`))?.[1]

/** Reads what `writeXmp` wrote; null for the packet of any other program. */
export function readXmp(packet: string): PictureMetadata | null {
  const digitalSourceType = element(packet, 'Iptc4xmpExt:DigitalSourceType')
  const settings = element(packet, 'shinsaku:settings')
  if (digitalSourceType === undefined || settings === undefined || settings.length > MAX_SETTINGS) return null
  try {
    return { digitalSourceType, settings: JSON.parse(fromXml(settings)) }
  } catch {
    return null
  }
}

const madeHere = new RegExp(`${CREATOR}(?:\\s*=\\s*["']|>)${NAME}["'<]`)

/** Whether this package made the picture: a sample, or a grid of any pictures. Programs may have written the packet anew. */
export const isMadeHere = (packet: string): boolean => madeHere.test(packet)

/**
 * Whether a packet forbids data mining or training: a PLUS Data Mining value that begins with DMI-PROHIBITED
 * (https://ns.useplus.org/LDF/ldf-XMPSpecification), or a training-and-mining entry with "notAllowed".
 */
export const forbidsTraining = (packet: string): boolean =>
  /DMI-PROHIBITED/i.test(packet) || /(?:training|mining)[\s\S]{0,200}?\bnotAllowed\b/i.test(packet)
