/** How often a test repeats what may go wrong once in many times: little as a rule, much in `npm run stress`. */
const stress = process.env.SHINSAKU_STRESS === '1'

export const times = (few: number, many: number): number => (stress ? many : few)
