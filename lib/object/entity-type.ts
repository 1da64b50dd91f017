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
  /** Values for fields that an older record lacks; copied in. */
  readonly defaults?: object
  /** Names of fields that are kept beside the state and never stored. */
  readonly transient?: readonly string[]
  /**
   * Edits the plain state of a record that an older version of the class wrote. It may neither make nor touch persistent objects, nor
   * keep those that it is given; it runs whenever such a record is loaded, or copied (`{ plain: true }`).
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

export type Merge = (base: object, theirs: object, mine: object) => object | undefined

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
  const State = function (): void {
    // nothing to initialise
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
