/** What is worn on the shoulders. */
import type { Skin, Tone } from './palette.ts'
import { circles, curve, fill, outlined, shape, stroke, symmetric } from './svg.ts'

const shoulders = symmetric('64,104 76,104.6 88,108 101,112 109,119 112,132! 64,132!')
const crew = symmetric('64,110 70,108 75.4,103 77,103.6! 90,108 102,112.4 109.4,119.4 112,132! 64,132!')
const vee = shape(
  '64,122! 72,112 77,104! 90,108 102,112.4 109.4,119.4 112,132! 16,132! 18.6,119.4 26,112.4 38,108 51,104! 56,112',
)

const body = (outline: string, cloth: Tone) =>
  outlined(outline, cloth.base, cloth.line) +
  stroke(curve('32,120 33.4,130') + curve('96,120 94.6,130'), cloth.shade, 1.8)

/** Stripes across a body. */
const bands = (outline: string, second: Tone) =>
  `<clipPath id="c"><path d="${outline}"/></clipPath><g clip-path="url(#c)">${fill('M0 113H128V116.6H0ZM0 120.6H128V124.2H0Z', second.base)}</g>`

export const clothes = {
  crew: (cloth: Tone, second: Tone) =>
    body(crew, cloth) + stroke(curve('50.4,103.6 57,109.4 64,111.6 71,109.4 77.6,103.6'), second.base, 3.4),
  vee: (cloth: Tone) => body(vee, cloth) + stroke('M51.6 105L64 121L76.4 105', cloth.shade, 2.4),
  stripes: (cloth: Tone, second: Tone) =>
    body(crew, cloth) +
    bands(crew, second) +
    stroke(curve('50.6,104 57,109.6 64,111.6 71,109.6 77.4,104'), cloth.shade, 2.2),
  turtleneck: (cloth: Tone) =>
    body(shoulders, cloth) +
    outlined(shape('50.4,99! 64,103 77.6,99! 79,108 64,112.4 49,108'), cloth.base, cloth.line) +
    stroke(curve('56,104 55.4,108.6') + curve('64,105.4 64,110') + curve('72,104 72.6,108.6'), cloth.shade, 1.6),
  shirt: (cloth: Tone, second: Tone) =>
    body(crew, cloth) +
    stroke('M64 113V130', cloth.line, 1.2) +
    fill(circles('66.6,120,1.2 66.6,126.4,1.2'), cloth.line) +
    outlined(
      shape('51,101.4! 64,112.4! 56.4,119! 47,106!') + shape('77,101.4! 64,112.4! 71.6,119! 81,106!'),
      second.light,
      second.line,
    ),
  hoodie: (cloth: Tone) =>
    outlined(symmetric('64,96 80,97 92,103.4 96,111 90,118 64,120'), cloth.shade, cloth.line) +
    body(symmetric('64,113.4 71,112 79,107 88,108.6 102,112.4 109.4,119.4 112,132! 64,132!'), cloth) +
    stroke(curve('57.6,113.6 57,119 57.6,124.6') + curve('70.4,113.6 71,119 70.4,124.6'), cloth.light, 2.2),
  dungarees: (cloth: Tone, second: Tone) =>
    body(crew, second) +
    outlined(
      shape('46,132! 46.6,117! 81.4,117! 82,132!') +
        shape('42,106.6! 47.4,104.8! 52,119! 46.8,119!') +
        shape('86,106.6! 80.6,104.8! 76,119! 81.2,119!'),
      cloth.base,
      cloth.line,
    ) +
    fill(circles('49.6,119.4,1.9 78.4,119.4,1.9'), '#f2cf5b'),
  scarf: (cloth: Tone, second: Tone) =>
    body(shoulders, cloth) +
    outlined(
      shape('80,106! 88,108! 90.6,128! 81,128!') +
        shape('45,102 52,97! 64,101.4 76,97! 83,102 80.4,110.4 64,114.4 47.6,110.4'),
      second.base,
      second.line,
    ) +
    stroke(curve('50,106 64,109.6 78,106'), second.shade, 1.8),
} satisfies Record<string, (cloth: Tone, second: Tone, skin: Skin) => string>

export type ClothStyle = keyof typeof clothes
