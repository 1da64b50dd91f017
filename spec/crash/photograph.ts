// What was on the medium for certain at one moment, and what may have got there: every disk that a power cut could leave.
// Nothing is ordered that was not synced: each sector of a file, its size and each change of a name are kept or lost by themselves.
import { crc32 } from 'node:zlib'
import type { Random } from '../helpers/seeded.js'

/** What the medium changes at once: assumed by spec/format.md. */
export const SECTOR = 512

interface PhotographedFile {
  readonly number: number
  readonly mode: number
  /** Its contents since the last sync: first the synced one, last the one that everybody reads. */
  readonly versions: readonly Buffer[]
}

/** Picks one of `count` possibilities, ordered from what is on the medium for certain to what everybody reads. */
export type Choose = (count: number, what: 'name' | 'size' | 'sector') => number

/** What is on the medium after a power cut. */
export interface Remains {
  readonly files: readonly {
    readonly number: number
    readonly mode: number
    readonly content: Buffer
    readonly names: readonly string[]
  }[]
  /** In which boot the power was cut, and when. */
  readonly boot: number
  readonly now: number
  /** The same for the same files and names. */
  readonly key: string
}

export class Photograph {
  readonly #files: readonly PhotographedFile[]
  readonly #names: readonly { name: string; inode: number }[]
  readonly #renames: readonly { name: string; inode: number | undefined }[]
  readonly #boot: number
  readonly #now: number
  #known: ReadonlyMap<number, Doubt> | undefined

  constructor(
    files: readonly PhotographedFile[],
    names: readonly { name: string; inode: number }[],
    renames: readonly { name: string; inode: number | undefined }[],
    boot: number,
    now: number,
  ) {
    this.#files = files
    this.#names = names
    this.#renames = renames
    this.#boot = boot
    this.#now = now
  }

  /** What a power cut leaves. `noise`: fills what a file has grown by where nothing was written; zeros unless told. */
  develop(choose: Choose, noise?: Random): Remains {
    const names = new Map(this.#names.map(({ name, inode }) => [name, inode]))
    for (const { name, inode } of this.#renames) {
      if (choose(2, 'name') === 0) continue
      if (inode === undefined) names.delete(name)
      else names.set(name, inode)
    }
    const files: Remains['files'][number][] = []
    let key = ''
    for (const { number, mode, versions } of this.#files) {
      const own = [...names].flatMap(([name, inode]) => (inode === number ? [name] : [])).sort()
      if (own.length === 0) continue
      const content = mix(versions, this.#doubts.get(number)!, choose, noise)
      files.push({ number, mode, content, names: own })
      key += `${own.join()}:${content.length}:${crc32(content)};`
    }
    return { files, boot: this.#boot, now: this.#now, key }
  }

  /** What is in doubt of each file. */
  get #doubts(): ReadonlyMap<number, Doubt> {
    return (this.#known ??= new Map(this.#files.map(file => [file.number, doubtOf(file)])))
  }

  /** All disks that a power cut could leave if these are at most `most`, otherwise the extremes and random ones. */
  *variants(most: number, random: Random): Generator<Remains> {
    const seen = new Set<string>()
    const fresh = function* (variant: Remains): Generator<Remains> {
      if (!seen.has(variant.key)) yield variant
      seen.add(variant.key)
    }
    if (this.#combinations(most) <= most) {
      for (const choose of everyChoice()) yield* fresh(this.develop(choose))
      return
    }
    yield* fresh(this.develop(() => 0))
    yield* fresh(this.develop(count => count - 1))
    yield* fresh(this.develop((count, what) => (what === 'sector' ? 0 : count - 1)))
    for (let n = 3; n < most; n++) {
      const kept = random.pick([0.1, 0.5, 0.9])
      const named = random.pick([0, 0.5, 1])
      const choose: Choose = (count, what) => {
        if (random.chance(what === 'name' ? named : kept)) return count - 1
        return random.int(count)
      }
      yield* fresh(this.develop(choose, random.chance(0.3) ? random : undefined))
    }
  }

  /** How many choices there are; stops counting beyond `most`. */
  #combinations(most: number): number {
    let product = 2 ** this.#renames.length
    for (const { sizes, sectors } of this.#doubts.values()) {
      product *= sizes.length
      for (const { length } of sectors.values()) if (product <= most) product *= length
    }
    return product
  }
}

/** What can be different after a power cut. */
interface Doubt {
  readonly sizes: readonly number[]
  /** Sectors of which the medium may have one content or another. */
  readonly sectors: ReadonlyMap<number, readonly Buffer[]>
}

function doubtOf({ versions }: PhotographedFile): Doubt {
  const sectors = new Map<number, readonly Buffer[]>()
  const most = versions.length === 1 ? 0 : Math.max(...versions.map(each => each.length))
  for (let n = 0; n * SECTOR < most; n++) {
    const found = sectorsOf(versions, n)
    if (found.length > 1) sectors.set(n, found)
  }
  return { sizes: sizesOf(versions), sectors }
}

/** One content out of several, as the medium may have it. */
function mix(
  versions: readonly Buffer[],
  { sizes, sectors }: Doubt,
  choose: Choose,
  noise: Random | undefined,
): Buffer {
  const [oldest = Buffer.alloc(0)] = versions
  if (versions.length === 1) return oldest
  const content = Buffer.alloc(sizes[sizes.length === 1 ? 0 : choose(sizes.length, 'size')]!)
  versions.at(-1)?.copy(content)
  for (const [n, contents] of sectors) {
    const at = n * SECTOR
    if (at >= content.length) break
    const pick = choose(contents.length, 'sector')
    const isNew = at >= oldest.length
    const sector = isNew && pick === 0 && noise !== undefined ? noise.bytes(SECTOR) : contents[pick]!
    content.set(sector.subarray(0, content.length - at), at)
  }
  return content
}

/** The sizes that the file has had, and those at the sectors in between while it grew. */
function sizesOf(versions: readonly Buffer[]): number[] {
  const sizes = new Set([versions[0]!.length])
  versions.forEach((version, n) => {
    const before = versions[n - 1]?.length ?? version.length
    const step = SECTOR * Math.max(1, Math.ceil((version.length - before) / SECTOR / 3))
    for (let size = Math.ceil((before + 1) / SECTOR) * SECTOR; size < version.length; size += step) sizes.add(size)
    sizes.add(version.length)
  })
  return [...sizes]
}

/** The different contents that one sector has had; beyond the end of the file there are zeros. */
function sectorsOf(versions: readonly Buffer[], n: number): Buffer[] {
  const found: Buffer[] = []
  for (const version of versions) {
    const sector = sectorOf(version, n)
    if (!found.some(each => each.equals(sector))) found.push(sector)
  }
  return found
}

/** Filled up with zeros. */
export function sectorOf(bytes: Buffer, n: number): Buffer {
  const sector = bytes.subarray(n * SECTOR, (n + 1) * SECTOR)
  return sector.length < SECTOR ? Buffer.concat([sector], SECTOR) : sector
}

/** Goes through a tree of choices, branch by branch. */
function* everyChoice(): Generator<Choose> {
  let path: { pick: number; count: number }[] = []
  for (;;) {
    let depth = 0
    yield count => {
      const at = depth++
      path[at] ??= { pick: 0, count }
      return path[at].pick
    }
    path = path.slice(0, depth)
    while (path.length > 0 && path.at(-1)!.pick === path.at(-1)!.count - 1) path.pop()
    const last = path.at(-1)
    if (last === undefined) return
    last.pick++
  }
}
