// Assignments that would do nothing, or nothing that lasts: a script that is not in strict mode would make them in silence, and lose what
// it assigned. Done to the prototype, so that the objects and their types stay as they are.

/**
 * From now on assigning to these properties, which have a getter, throws a TypeError with the hint that stands at the name, and assigning to
 * one that there is not throws one with the hint `otherwise`.
 */
export function refuseAssignment(prototype: object, hints: Readonly<Record<string, string>>, otherwise: string): void {
  for (const [name, hint] of Object.entries(hints)) {
    Object.defineProperty(prototype, name, {
      set() {
        refuse(name, hint)
      },
    })
  }
  // Is asked for what is neither in an object nor in its class.
  const behind = Object.create(Object.getPrototypeOf(prototype) as object | null) as object
  const asking: ProxyHandler<object> = {
    set(target, key, value, receiver) {
      return typeof key === 'string' ? refuse(key, otherwise) : Reflect.set(target, key, value, receiver)
    },
  }
  Object.setPrototypeOf(prototype, new Proxy(behind, asking))
}

function refuse(name: string, hint: string): never {
  throw new TypeError(`${name} cannot be assigned: ${hint}`)
}
