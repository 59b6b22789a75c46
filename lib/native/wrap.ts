/** Turns the addon's plain errors into ShinsakuErrors, so that no other kind leaves it. */
import { type ErrorCode, errorTable, ShinsakuError } from '../errors.ts'
import type { Addon } from './addon.ts'

const isCode = (code: unknown): code is ErrorCode => typeof code === 'string' && Object.hasOwn(errorTable, code)

function toShinsakuError(cause: unknown, call: string): ShinsakuError {
  const { code, message, details } = (cause ?? {}) as { code?: unknown; message?: string; details?: object }
  const text = message ?? String(cause)
  if (isCode(code))
    return new ShinsakuError(code, text, { cause, hint: errorTable[code], details: { ...details, call } })
  return new ShinsakuError('NATIVE_FAILED', `${call} failed: ${text}`, { cause, details: { call } })
}

const raw = new WeakMap<object, object>()

/** The handle behind a wrapped one, also of those in a list: what the addon wants back as an argument. */
function unwrap(value: unknown): unknown {
  // Other lists are passed as they are: they may be long.
  if (Array.isArray(value)) return raw.has(value[0] as object) ? value.map(unwrap) : value
  return typeof value === 'object' && value !== null ? (raw.get(value) ?? value) : value
}

const isHandle = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && typeof (value as { dispose?: unknown }).dispose === 'function'

function wrapObject<T extends object>(target: T, name: string): T {
  const methods = new Map<PropertyKey, unknown>()
  const proxy = new Proxy(target, {
    get(object, key) {
      const member = Reflect.get(object, key) as unknown
      if (typeof member !== 'function') return member
      if (!methods.has(key))
        methods.set(key, wrapMethod(object, member as (...args: unknown[]) => unknown, `${name}${String(key)}`))
      return methods.get(key)
    },
  })
  raw.set(proxy, target)
  return proxy
}

function wrapMethod(object: object, method: (...args: unknown[]) => unknown, call: string) {
  return (...args: unknown[]): unknown => {
    try {
      const result = method.apply(object, args.map(unwrap))
      if (!(result instanceof Promise)) return result
      return result.then(
        (value: unknown) => (isHandle(value) ? wrapObject(value, `${value.constructor.name}.`) : value),
        (cause: unknown) => {
          throw toShinsakuError(cause, call)
        },
      )
    } catch (cause) {
      throw toShinsakuError(cause, call)
    }
  }
}

/** The addon, with every error that leaves it a ShinsakuError whose cause is the native one. */
export const wrapAddon = (addon: Addon): Addon => wrapObject(addon, '')
