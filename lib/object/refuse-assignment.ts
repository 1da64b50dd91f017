// Assignments that would do nothing, or nothing that lasts: a script that is not in strict mode would make them in silence, and lose what
// it assigned. Done to the prototype, so that the objects and their types stay as they are.

/**
 * From now on assigning to these properties, which have a getter, throws a TypeError with the hint that stands at the name, and assigning to
 * one that there is not, of which the name is a string, throws one with the hint `otherwise`: on the objects of the class, not on the prototype
 * itself, nor on what is derived from one of them.
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
    set(target, key, value, receiver: unknown) {
      const isOfClass = isObject(receiver) && Object.getPrototypeOf(receiver) === prototype
      if (isOfClass && typeof key === 'string') refuse(key, otherwise)
      const isDone = Reflect.set(target, key, value, receiver)
      if (isOfClass && !isDone) refuse(key, 'the object is not extensible')
      return isDone
    },
  }
  // The messages of the engine name the class only where they find this without asking.
  const toString = Object.getOwnPropertyDescriptor(Object.prototype, 'toString')
  if (toString) Object.defineProperty(prototype, 'toString', toString)
  Object.setPrototypeOf(prototype, new Proxy(behind, asking))
}

function isObject(value: unknown): value is object {
  return value !== null && (typeof value === 'object' || typeof value === 'function')
}

function refuse(name: string | symbol, hint: string): never {
  throw new TypeError(`${String(name)} cannot be assigned: ${hint}`)
}
