// Changes to an object of a class with `static merge`, where others have changed the object meanwhile: the class is given
// three versions of its fields and makes the one to store. Only of objects that the transaction assigned to and never read.
import { isDeepStrictEqual } from 'node:util'
import { ValueError } from '../error.js'
import type { Oid } from '../store/types.js'
import { Decoder } from './decoder.js'
import { handlerOf, headerOf, unresolvedOid, type Header } from './header.js'
import { runStatic, whileEditing } from './editing.js'
import { EntityHeader, type Fields } from './persistent.js'
import { stampMerged } from './places.js'
import { plain } from './plain.js'
import { define, isBare, nodeOf, type Container } from './plain-node.js'
import { refusePromise } from './refuse-promise.js'
import type { RecordView } from './record-view.js'
import type { Session } from './session.js'
import { copyDate, copyLeaf } from './values.js'

/**
 * What is to be stored in place of `header` if `now` is what the changes are made to; undefined: that is a conflict.
 * A header of its own, so that a commit that fails leaves the object as it was. `accessed`: what the transaction has read.
 */
export function mergeByClass(
  session: Session,
  header: Header,
  now: RecordView,
  accessed: ReadonlySet<Oid>,
): EntityHeader | undefined {
  if (!(header instanceof EntityHeader) || !header.kind.merge) return undefined
  if (!header.changed || accessed.has(header.oid)) return undefined
  // In another file nobody can tell any more what the object was.
  if (now.snapshot.generation !== session.snapshot.generation) return undefined
  const base = storedFields(session, header, session.view)
  const theirs = storedFields(session, header, now)
  if (!base || !theirs) return undefined
  const { kind } = header
  return session.withoutAccess(() =>
    whileEditing(`static merge of ${header.label}`, () => {
      const mine = ownFields(session, header)
      const made = runStatic('merge', header, () => kind.merge?.(base, theirs, mine))
      if (made === undefined) return undefined
      checkMade(made, header.label)
      const standIn = kind.create()
      standIn.oid = header.oid
      standIn.fillIn(made as Fields, 'static merge', header.byNumber)
      standIn.scope = session
      return standIn
    }),
  )
}

/** What keeps its content elsewhere than in fields (a Map, a date, bytes) would store none, or others. */
function checkMade(made: unknown, name: string): void {
  refusePromise(
    made,
    `static merge of ${name} returned a promise, and a commit does not wait: it gives the fields to store, or undefined`,
  )
  if (Object.prototype.toString.call(made) !== '[object Object]')
    throw new ValueError(name, 'static merge gives an object with the fields to store, or undefined')
}

/**
 * `made` has been stored in place of the object, which is to be read anew. What the transaction has put somewhere is led there only if
 * `made` has the same data there: other data would be changed by who holds it.
 */
export function settleMerged(header: Header, made: Header): void {
  stampMerged(header, key => isSame(header.slot(key), made.slot(key)))
  header.drop()
}

/** Whether one value of a state, where nobody may have followed its references, is equal to another one. */
function isSame(a: unknown, b: unknown): boolean {
  if (typeof a === 'symbol') return headerOf(b)?.oid === unresolvedOid(a)
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return Object.is(a, b)
  const [one, other] = [containerOf(a), containerOf(b)]
  if (one && other) return isSameContainer(one, other)
  return a === b || (!handlerOf(a) && !handlerOf(b) && isDeepStrictEqual(a, b))
}

function isSameContainer(one: Container, other: Container): boolean {
  const keys = Object.keys(one)
  return (
    Array.isArray(one) === Array.isArray(other) &&
    (Object.getPrototypeOf(one) === null) === (Object.getPrototypeOf(other) === null) &&
    keys.length === Object.keys(other).length &&
    keys.every(key => Object.hasOwn(other, key) && isSame(Reflect.get(one, key), Reflect.get(other, key)))
  )
}

function containerOf(value: object): Container | undefined {
  return isBare(value) ? value : nodeOf(value)?.target
}

/** As loading has them. undefined: there is no record, or another version of the class wrote it. */
function storedFields(session: Session, header: EntityHeader, view: RecordView): Fields | undefined {
  const { oid, kind } = header
  const at = view.locate(oid)
  if (at === 0) return undefined
  const { shape, keys, raw, refs } = view.unpack(view.recordAt(at))
  if (shape.type !== kind.type || shape.version !== kind.version) return undefined
  const decoder = new Decoder(
    refs.map(to => session.resolve(to, view.snapshot)),
    undefined,
  )
  const fields: Fields = {}
  keys.forEach((key, i) => {
    if (kind.members.has(key)) header.hides(key)
    if (!kind.transient.has(key)) define(fields, key, decoder.value(raw[i]))
  })
  for (const [key, value] of Object.entries(kind.defaults ?? {}))
    if (!Object.hasOwn(fields, key) && !kind.transient.has(key)) define(fields, key, plain(value))
  return fields
}

function ownFields(session: Session, header: EntityHeader): Fields {
  const resolve = (oid: Oid): object => session.resolve(oid)
  const fields: Fields = {}
  for (const key of header.keys()) define(fields, key, untracked(header.slot(key), resolve))
  return fields
}

/** The value with copies of its containers, dates and typed arrays. Begins no transaction, and is no access. */
function untracked(value: unknown, resolve: (oid: Oid) => object): unknown {
  if (typeof value === 'symbol') return resolve(unresolvedOid(value))
  if (typeof value !== 'object' || value === null) return value
  const target = containerOf(value)
  if (target === undefined) return copyDate(value) ?? copyLeaf(value) ?? value
  if (Array.isArray(target)) return target.map(part => untracked(part, resolve))
  const copy = Object.create(Object.getPrototypeOf(target) as object | null) as Fields
  for (const [key, part] of Object.entries(target)) define(copy, key, untracked(part, resolve))
  return copy
}
