// Files with one collection kept in a tree, whose records say whatever a test wants them to say.
import { Packr } from '../../lib/object/msgpack.js'
import { craft, SHAPE, type CraftedRecord } from './crafted-file.js'

const packr = new Packr({ useRecords: false, variableMapSize: true })
const pack = (value: unknown): Buffer => packr.pack(value)

/** Oid of the collection. */
export const COLLECTION = 30

const SHAPES = {
  PersistentList: [17, 'size', 'height', 'root'],
  PersistentMap: [18, 'size', 'height', 'root'],
  counted: [19, 'counts', 'children'],
  items: [20, 'items'],
  inner: [21, 'separators', 'children'],
  leaf: [22, 'keys', 'values'],
  apartLeaf: [23, 'keys', 'values', 'apart'],
  apartItems: [24, 'items', 'apart'],
  value: [25, 'value'],
} as const

export interface CraftedNode {
  readonly kind: Exclude<keyof typeof SHAPES, 'PersistentList' | 'PersistentMap'>
  /** Of the node's fields; the children of an inner node are not among them. */
  readonly fields: readonly unknown[]
  readonly children?: readonly number[]
  /** What a node that has no children refers to. */
  readonly refs?: readonly number[]
}

export interface CraftedTree {
  readonly type: 'PersistentList' | 'PersistentMap'
  readonly size: number
  readonly height: number
  /** By oid, from 31 on; 31 is the root. */
  readonly nodes: Readonly<Record<number, CraftedNode>>
}

export function craftTree({ type, size, height, nodes }: CraftedTree): Buffer {
  const shapes = Object.entries(SHAPES).map(([name, [oid, ...keys]]): CraftedRecord => {
    return {
      oid,
      shape: 0,
      state: pack([oid < 19 ? name : name === 'value' ? 'perdure.value' : 'perdure.node', 1, keys]),
    }
  })
  const made = Object.entries(nodes).map(([oid, { kind, fields, children, refs = [] }]): CraftedRecord => {
    const links = children?.map((_, n) => ({ '': n }))
    return {
      oid: Number(oid),
      shape: SHAPES[kind][0],
      refs: children ?? refs,
      state: pack(links ? [...fields, links] : fields),
    }
  })
  return craft([
    ...shapes,
    { oid: 1, shape: SHAPE, refs: [COLLECTION], state: pack([{ '': 0 }]) },
    { oid: COLLECTION, shape: SHAPES[type][0], refs: [31], state: pack([size, height, { '': 0 }]) },
    ...made,
  ])
}

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, n) => from + n)
const items = (count: number): CraftedNode => ({ kind: 'items', fields: [numbers(0, count)] })
const leaf = (...keys: readonly number[]): CraftedNode => ({ kind: 'leaf', fields: [keys, keys] })

/** A list that is as it should be, unless told. */
export function list(changes: Partial<CraftedTree> = {}): CraftedTree {
  const counted: CraftedNode = { kind: 'counted', fields: [[50, 60]], children: [32, 33] }
  const nodes = { 31: counted, 32: items(50), 33: items(60), ...changes.nodes }
  return { type: 'PersistentList', size: 110, height: 1, ...changes, nodes }
}

export function map(changes: Partial<CraftedTree> = {}): CraftedTree {
  const inner: CraftedNode = { kind: 'inner', fields: [[50]], children: [32, 33] }
  const nodes = { 31: inner, 32: leaf(...numbers(0, 50)), 33: leaf(...numbers(50, 110)), ...changes.nodes }
  return { type: 'PersistentMap', size: 110, height: 1, ...changes, nodes }
}

const reference = (n: number): unknown => ({ '': n })
const value = (text: unknown): CraftedNode => ({ kind: 'value', fields: [text] })
const LONG = 'x'.repeat(70)

/** The last 60 entries of a map; the values of the first two of them stand in the records 34 and 35, unless told. */
function apart(
  positions: unknown = [0, 1],
  {
    values = [reference(0), reference(1), ...numbers(2, 60)],
    refs = [34, 35],
  }: { values?: unknown[]; refs?: number[] } = {},
): CraftedNode {
  return { kind: 'apartLeaf', fields: [numbers(50, 110), values, positions], refs }
}

/** The same of 60 entries, whose values all stand apart, in records from 40 on. */
function allApart(apart: unknown = true, count = 60): CraftedNode {
  return { kind: 'apartLeaf', fields: [numbers(50, 110), null, apart], refs: numbers(40, 40 + count) }
}

/** As it should be, unless told. */
export function mapAllApart(leaf = allApart()): CraftedTree {
  return map({ nodes: { 33: leaf, ...Object.fromEntries(numbers(40, 100).map(oid => [oid, value(LONG)])) } })
}

/** A map with values that stand apart, as it should be. */
export function mapApart(changes: Record<number, CraftedNode> = {}): CraftedTree {
  return map({ nodes: { 33: apart(), 34: value(LONG), 35: value([LONG]), ...changes } })
}

/** The same as a list. */
export function listApart(changes: Record<number, CraftedNode> = {}): CraftedTree {
  const items = [...numbers(0, 58), reference(0), reference(1)]
  const leaf: CraftedNode = { kind: 'apartItems', fields: [items, [58, 59]], refs: [34, 35] }
  return list({ nodes: { 33: leaf, 34: value(LONG), 35: value([LONG]), ...changes } })
}

const counted = (counts: readonly unknown[], children: readonly number[]): CraftedNode => ({
  kind: 'counted',
  fields: [counts],
  children,
})

/** Other than the library keeps it, and nothing is wrong with it: leaves of few and of many entries. */
export const OTHERWISE_FILLED: readonly CraftedTree[] = [
  list({ nodes: { 31: counted([50, 7], [32, 33]), 33: items(7) }, size: 57 }),
  list({ nodes: { 31: counted([50, 97], [32, 33]), 33: items(97) }, size: 147 }),
  map({ nodes: { 32: leaf(0), 33: leaf(...numbers(50, 1000)) }, size: 951 }),
]

/** What is wrong with it, as the check says it; '': it cannot be read. */
export const FAULTY: Readonly<Record<string, readonly [tree: CraftedTree, fault: RegExp]>> = {
  'a list with another size': [list({ size: 111 }), /the size says 111, and there are 110 entries/],
  'a list with a wrong count': [
    list({ nodes: { 31: counted([50, 61], [32, 33]) }, size: 111 }),
    /node 31 says 61 items of node 33, which has 60/,
  ],
  'a list with a count too low': [
    list({ nodes: { 31: counted([49, 60], [32, 33]) } }),
    /node 31 says 49 items of node 32, which has 50/,
  ],
  'a list with a leaf twice': [
    list({ nodes: { 31: counted([50, 50], [32, 32]) }, size: 100 }),
    /node 32 stands in two places/,
  ],
  'a list with one child': [list({ nodes: { 31: counted([50], [32]) }, size: 50 }), /has only 1 child/],
  'a list with the leaf of a map': [
    list({ nodes: { 33: leaf(...numbers(0, 60)) } }),
    /node 33 is of another kind of collection/,
  ],
  'a list with the inner node of a map': [
    list({ nodes: { 31: { kind: 'inner', fields: [[50]], children: [32, 33] } } }),
    /node 31 is of another kind of collection/,
  ],
  'a list with a count that is none': [list({ nodes: { 31: counted([50, -60], [32, 33]) } }), /cannot be read/],
  'a list with an empty child': [
    list({ nodes: { 31: counted([50, 0], [32, 33]), 33: items(0) }, size: 50 }),
    /cannot be read/,
  ],
  'a list with fewer counts than children': [list({ nodes: { 31: counted([50], [32, 33]) } }), /cannot be read/],
  'a list that is higher than it says': [list({ height: 2 }), /cannot be read/],
  'a list of a size that is none': [list({ size: -1 }), /cannot be read/],
  'a list without its root': [list({ nodes: { 31: counted([50, 60], [32, 34]) } }), /cannot be read/],
  'a list that contains itself, as high as can be': [
    list({ height: 64, nodes: { 31: counted([1, 1], [31, 31]) }, size: 2 }),
    /node 31 stands in two places/,
  ],
  'a list that is higher than any': [list({ height: 65 }), /cannot be read/],
  'a list with huge counts': [
    list({ nodes: { 31: counted([2 ** 52, 2 ** 52], [32, 33]) }, size: 2 ** 53 - 1 }),
    /node 31 says 4503599627370496 items of node 32/,
  ],
  'a map with another size': [map({ size: 111 }), /the size says 111, and there are 110 entries/],
  'a map with keys in disorder': [
    map({ nodes: { 33: leaf(50, 52, 51, ...numbers(53, 110)) } }),
    /node 33: 51 stands behind 52/,
  ],
  'a map with a key on the wrong side': [
    map({ nodes: { 32: leaf(...numbers(1, 50), 50) } }),
    /node 32: 50 belongs behind 50/,
  ],
  'a map with a leaf twice': [
    map({ nodes: { 31: { kind: 'inner', fields: [[50]], children: [32, 32] } }, size: 100 }),
    /node 32 stands in two places/,
  ],
  'a map with an empty leaf': [map({ size: 50, nodes: { 33: leaf() } }), /node 33 has no entries/],
  'a map with the leaf of a list': [map({ nodes: { 33: items(60) } }), /node 33 is of another kind of collection/],
  'a map with a value apart that is not there': [mapApart({ 33: apart([0, 1], { refs: [34, 36] }) }), /cannot be read/],
  'a map with one record for two values': [
    mapApart({ 33: apart([0, 1], { values: [reference(0), reference(0), ...numbers(2, 60)], refs: [34] }) }),
    /value 34 stands in two places/,
  ],
  'a map with a value that stands apart as its object': [
    mapApart({ 33: apart([0]) }),
    /node 33: the value of 51 is a reference to 35, which is no object/,
  ],
  'a list with a leaf as its object': [
    listApart({ 33: { kind: 'items', fields: [[...numbers(0, 59), reference(0)]], refs: [32] } }),
    /node 33: the value of an item is a reference to 32, which is no object/,
  ],
  'a map with a node in place of a value': [mapApart({ 35: leaf(1, 2) }), /cannot be read/],
  'a map with a leaf that leads to itself as a value': [
    mapApart({ 33: apart([0, 1], { refs: [34, 33] }) }),
    /value 33 stands in two places/,
  ],
  'a map with itself in place of a value': [
    mapApart({ 33: apart([0, 1], { refs: [34, COLLECTION] }) }),
    /cannot be read/,
  ],
  'a map with a value in place of a leaf': [map({ nodes: { 33: value(LONG) } }), /cannot be read/],
  'a map with a value that is a reference, and stands apart': [
    mapApart({ 34: { kind: 'value', fields: [reference(0)], refs: [1] } }),
    /cannot be read/,
  ],
  'a map with a record of two values': [mapApart({ 34: { kind: 'value', fields: [LONG, LONG] } }), /cannot be read/],
  'a map with a value both here and apart': [mapApart({ 33: apart([0, 1, 2]) }), /cannot be read/],
  'a map with all values apart, but some': [mapApart({ 33: apart(true) }), /cannot be read/],
  'a map with values apart behind its end': [mapApart({ 33: apart([0, 60]) }), /cannot be read/],
  'a map with values apart in disorder': [mapApart({ 33: apart([1, 0]) }), /cannot be read/],
  'a map with a value apart twice': [mapApart({ 33: apart([0, 0, 1]) }), /cannot be read/],
  'a map with no values, of which each is told': [mapAllApart(allApart(numbers(0, 60))), /cannot be read/],
  'a map with an empty leaf, and all values apart': [
    map({ size: 50, nodes: { 33: { kind: 'apartLeaf', fields: [[], null, true] } } }),
    /cannot be read/,
  ],
  'a map with values apart that are none': [mapApart({ 33: apart([]) }), /cannot be read/],
  'a map with no values, and some apart': [mapAllApart(allApart([0, 1])), /cannot be read/],
  'a map with no values, and fewer references': [mapAllApart(allApart(true, 59)), /cannot be read/],
  'a map with no values, apart or not': [
    mapApart({ 33: { kind: 'leaf', fields: [numbers(50, 110), null] } }),
    /cannot be read/,
  ],
  'a map with nonsense about values apart': [mapApart({ 33: apart('0') }), /cannot be read/],
  'a list with a value apart that is not there': [listApart({ 34: leaf(1, 2) }), /cannot be read/],
  'a map with the inner node of a list': [
    map({ nodes: { 31: counted([50, 60], [32, 33]) } }),
    /node 31 is of another kind of collection/,
  ],
}
