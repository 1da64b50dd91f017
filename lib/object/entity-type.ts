// What the library derives from a class once: its stored name, what of it is not state, and how its objects are made.
import { EntityHeader, Persistent } from './persistent.js'
import type { Kind } from './header.js'
import type { Shape } from './shapes.js'

/** A class whose objects can be stored. Its constructor may take parameters: only programs call it, loading does not. */
export interface PersistentClass<T extends Persistent = Persistent> {
  new (...parameters: never[]): T
  /** The stored name of the class; its own, not inherited. */
  readonly type: string
  /** Of the fields' meaning: a whole number, 1 unless told. Raise it together with `upgrade`. */
  readonly version?: number
  /**
   * Values for fields that a record lacks, as older ones lack those that were added: loading runs no initializer. Copied in; no persistent
   * objects, which a transaction gives them: `this.list ??= new PersistentList()`.
   */
  readonly defaults?: object
  /** Names of fields that are kept beside the state and never stored. They begin undefined in what was loaded, and in a root. */
  readonly transient?: readonly string[]
  /**
   * Edits the plain state of a record that an older version of the class wrote. It may neither make nor touch persistent objects, nor
   * keep those that it is given: of what is to become such an object it leaves the data in a field, for a transaction to make it. It runs
   * whenever such a record is loaded, or copied (`{ plain: true }`).
   */
  upgrade?(state: Record<string, unknown>, from: number): void
  /**
   * Called when an object was assigned to without having been read, and others have changed it meanwhile: gets copies of the
   * fields as they were, as the others left them, and as this transaction leaves them; gives the fields to store, or
   * undefined for a conflict. It may neither make nor touch persistent objects.
   */
  merge?(base: never, theirs: never, mine: never): object | undefined
}

/** The class of a root: `open` makes the first object of a new store, so its constructor needs no parameters. */
export interface RootClass<T extends Persistent = Persistent> extends PersistentClass<T> {
  new (): T
}

type Merge = (base: object, theirs: object, mine: object) => object | undefined

type AnyClass = PersistentClass & { readonly prototype: Persistent; readonly name: string }

/** Stands in a class's view of its prototype for what must not be read as a field. */
export const SPECIAL = Symbol('accessor or transient')

export class EntityType implements Kind {
  readonly type: string
  readonly version: number
  readonly Class: AnyClass | undefined
  /** The Proxy's target: empty, shared by all objects of the class, there for its prototype only. */
  readonly shell: object
  /** Prototype of states: the class's, with SPECIAL in front of what is no field. */
  readonly view: object
  readonly accessors = new Set<string>()
  /** Names that a field must not have: it would be hidden, or hide them. */
  readonly members = new Set<string>()
  /** Of these, the functions. */
  readonly methods = new Set<string>()
  readonly transient = new Set<string>()
  /** Fields that are known to be nothing else, and that nothing in `view` hides. */
  readonly ordinary = new Set<string>()
  readonly defaults: Record<string, unknown> | undefined
  readonly upgrade: ((state: Record<string, unknown>, from: number) => void) | undefined
  readonly merge: Merge | undefined
  /** Makes states: a constructor, so that the engine learns how many fields they have. */
  readonly State: new () => Record<string, unknown>
  readonly #admitted = new WeakMap<Shape, boolean>()

  /** A class; or undefined, for objects without one: `defaults` are the root's initial values. */
  constructor(Class: AnyClass | undefined, type: string, defaults?: object) {
    this.Class = Class
    this.type = type
    this.version = Class?.version ?? 1
    this.defaults = (defaults ?? Class?.defaults) as Record<string, unknown> | undefined
    if (Class?.upgrade) this.upgrade = Class.upgrade.bind(Class)
    if (Class?.merge) this.merge = (Class.merge as Merge).bind(Class)
    const prototype = Class ? Class.prototype : (Object.create(Persistent.prototype) as object)
    this.shell = Object.create(prototype) as object
    this.view = Object.create(prototype) as object
    this.State = constructorOf(this.view)
    if (Class) this.#inspectClass(Class)
    for (const name of ['__proto__', ...this.accessors, ...this.transient])
      Object.defineProperty(this.view, name, { value: SPECIAL })
  }

  #inspectClass(Class: AnyClass): void {
    let prototype: object | null = Class.prototype
    for (
      ;
      prototype && prototype !== Persistent.prototype;
      prototype = Object.getPrototypeOf(prototype) as object | null
    ) {
      for (const name of Object.getOwnPropertyNames(prototype)) {
        const descriptor = Object.getOwnPropertyDescriptor(prototype, name)
        this.members.add(name)
        if (descriptor?.get || descriptor?.set) this.accessors.add(name)
        else if (typeof descriptor?.value === 'function') this.methods.add(name)
      }
    }
    for (const name of ancestry(Class).flatMap(C => (Object.hasOwn(C, 'transient') ? (C.transient ?? []) : [])))
      this.transient.add(name)
  }

  /** Can no field have this name? */
  refuses(key: string): boolean {
    return this.members.has(key) || key === '__proto__'
  }

  /** Do the keys of a record hide no member, and none of them the key? */
  admits(shape: Shape): boolean {
    const known = this.#admitted.get(shape)
    if (known !== undefined) return known
    const admits = shape.keys?.every(key => !(key in this.view)) === true
    this.#admitted.set(shape, admits)
    return admits
  }

  ghost(): EntityHeader {
    return new EntityHeader(this, false)
  }

  /** A new object without running a constructor. */
  create(): EntityHeader {
    return new EntityHeader(this, true)
  }
}

/** Of objects with this prototype. Engines learn how many fields such objects have, and make room for these at once. */
function constructorOf(prototype: object): new () => Record<string, unknown> {
  const State = function (this: Record<string, unknown>, assigns?: true): void {
    if (!assigns) return
    // Never reached: V8 counts the assignments, gives the first objects that much room, and later ones as much as these have used. With
    // the room of an empty constructor, what has more than some 20 fields becomes a hash table, of six times the size.
    // prettier-ignore
    this.a0 = this.b0 = this.c0 = this.d0 = this.e0 = this.f0 = this.g0 = this.h0 = this.i0 = this.j0 = this.k0 = this.l0 =
      this.m0 = this.n0 = this.o0 = this.p0 = this.q0 = this.r0 = this.s0 = this.t0 = this.u0 = this.v0 = this.w0 = this.x0 =
      this.y0 = this.z0 = this.a1 = this.b1 = this.c1 = this.d1 = this.e1 = this.f1 = this.g1 = this.h1 = this.i1 = this.j1 =
      this.k1 = this.l1 = this.m1 = this.n1 = this.o1 = this.p1 = this.q1 = this.r1 = this.s1 = this.t1 = this.u1 = this.v1 =
      this.w1 = this.x1 = this.y1 = this.z1 = this.a2 = this.b2 = this.c2 = this.d2 = this.e2 = this.f2 = this.g2 = this.h2 =
      this.i2 = this.j2 = this.k2 = this.l2 = this.m2 = this.n2 = this.o2 = this.p2 = this.q2 = this.r2 = this.s2 = this.t2 =
      this.u2 = this.v2 = this.w2 = this.x2 = this.y2 = this.z2 = this.a3 = this.b3 = this.c3 = this.d3 = this.e3 = this.f3 =
      this.g3 = this.h3 = this.i3 = this.j3 = this.k3 = this.l3 = this.m3 = this.n3 = this.o3 = this.p3 = this.q3 = this.r3 =
      this.s3 = this.t3 = this.u3 = this.v3 = this.w3 = this.x3 = this.y3 = this.z3 = undefined
  }
  State.prototype = prototype
  return State as unknown as new () => Record<string, unknown>
}

/** The class and those that it is derived from, below Persistent. */
export function ancestry(Class: AnyClass): AnyClass[] {
  const line: AnyClass[] = []
  for (
    let C = Class;
    (C as unknown) !== Persistent && typeof C === 'function' && C !== Function.prototype;
    C = Object.getPrototypeOf(C) as AnyClass
  )
    line.push(C)
  return line
}

const types = new WeakMap<object, EntityType>()

export function entityTypeOf(Class: AnyClass): EntityType {
  let type = types.get(Class)
  if (!type) {
    type = new EntityType(
      Class,
      Object.hasOwn(Class, 'type') && typeof Class.type === 'string' ? Class.type : Class.name,
    )
    types.set(Class, type)
  }
  return type
}
