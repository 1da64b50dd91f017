// Places in a file, in ascending order, each with its number in the list that was given: a piece of them at a time, so that nobody waits
// for all to be sorted.

/** Places that are sorted in one step, on average. */
const PIECE = 1 << 10

/**
 * `place * most + number` for each, ascending; `most`, a power of two, is no less than how many there are. They are put into `entries`,
 * as far as that goes.
 */
export function* placesInOrder(places: Float64Array, most: number, entries: Float64Array): Generator<Float64Array> {
  const count = places.length
  let low = Infinity
  let high = 0
  for (let n = 0; n < count; n++) {
    const place = places[n] ?? 0
    if (place < low) low = place
    if (place > high) high = place
  }
  // Each piece gets the places of an equal part of the file, and one more the last place.
  const pieces = Math.ceil(count / PIECE) + 1
  const part = Math.max(1, (high - low) / (pieces - 1))
  const pieceOf = (place: number): number => Math.floor((place - low) / part)
  const ends = new Uint32Array(pieces)
  for (let n = 0; n < count; n++) {
    const piece = pieceOf(places[n] ?? 0)
    ends[piece] = (ends[piece] ?? 0) + 1
  }
  for (let piece = 1; piece < pieces; piece++) ends[piece] = (ends[piece] ?? 0) + (ends[piece - 1] ?? 0)
  const begins = ends.slice()
  for (let n = count - 1; n >= 0; n--) {
    const place = places[n] ?? 0
    const piece = pieceOf(place)
    const at = (begins[piece] ?? 0) - 1
    begins[piece] = at
    entries[at] = place * most + n
  }
  for (let piece = 0; piece < pieces; piece++) yield entries.subarray(begins[piece], ends[piece]).sort()
}
