// For functions of the program whose result counts when they return: nobody waits for what a promise would still do.

/** Throws TypeError for a promise, or anything else that has a `then`. What it comes to is no error of its own. */
export function refusePromise(value: unknown, message: string): void {
  const then = value !== null && typeof value === 'object' ? (value as { then?: unknown }).then : undefined
  if (typeof then !== 'function') return
  Promise.resolve(value).catch(() => undefined)
  throw new TypeError(message)
}
