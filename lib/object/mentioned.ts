// What a copy has in place of an object that is not gone into. It is an ordinary object, and known again: stored by mistake, it would
// stand where the object should, and nothing would refer to that any more.

export interface Mentioned {
  /** Stored name of its class. */
  readonly type: string
  readonly oid: number | undefined
}

/** Its constructor gives what it is given, with a private field put on it: a WeakSet of them would cost a scan several times as much. */
class Mark extends (class {
  constructor(object: object) {
    return object
  }
} as new (object: object) => object) {
  readonly #isMention = true

  static on(object: object): object is Mentioned {
    return #isMention in object && object.#isMention
  }
}

export function mentioned(type: string, oid: number | undefined): Mentioned {
  const object = { type, oid }
  new Mark(object)
  return object
}

/**
 * Whether it is one that a copy was given. One that the program makes of its parts, or gets out of a spread, JSON or a worker, is a value like
 * any other.
 */
export const isMentioned: (object: object) => object is Mentioned = object => Mark.on(object)

/** Why it cannot be stored. */
export function reasonToRefuseMention({ type, oid }: Mentioned): string {
  const name = oid === undefined ? `a new ${type || 'root'}` : `${type || 'root'} ${oid}`
  return (
    `{ type, oid } out of a copy that plain() made stands for ${name}, and is no copy of it: ` +
    'store the object itself, or a new one made of plain(the object)'
  )
}
