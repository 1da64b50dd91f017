// For properties that only tell something: a script that is not in strict mode would assign to them in silence, and lose what it assigned.
// Done to the prototype, so that they stay read-only in the types.

/** From now on assigning to these, which have a getter, throws a TypeError with the hint that stands at the name. */
export function refuseAssignment(prototype: object, hints: Readonly<Record<string, string>>): void {
  for (const [name, hint] of Object.entries(hints)) {
    Object.defineProperty(prototype, name, {
      set() {
        throw new TypeError(`${name} cannot be assigned: ${hint}`)
      },
    })
  }
}
