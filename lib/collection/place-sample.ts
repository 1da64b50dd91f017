// A few places of a table, evenly taken, of which some are asked now and then whether anybody has the value still: that takes
// as long however large the table is, and tells whether to go through it pays.
import type { Place } from './place.js'

/** Of smaller tables none are taken. */
export const FEWEST = 16
/** Of them, half are left out when there are so many. */
const MOST = 128
/** So many at a time. */
const ASKED = 4

export class PlaceSample {
  #places: Place[] = []
  /** How many of them there would be if all had their values still. */
  #taken = 0
  /** One is taken for so many places of the table. */
  #each = FEWEST
  #next = 0

  /** The table has so many places now, with this one. */
  offer(place: Place, size: number): void {
    if (size < this.#each * (this.#taken + 1)) return
    this.#places.push(place)
    if (++this.#taken < MOST) return
    this.#places = this.#places.filter((_, i) => i % 2 === 1)
    this.#taken /= 2
    this.#each *= 2
  }

  /** Asks the next ones; whether most of all have turned out to have no value any more. */
  mostAreGone(): boolean {
    for (let left = Math.min(ASKED, this.#places.length); left > 0; left--) {
      if (this.#next >= this.#places.length) this.#next = 0
      if (this.#places[this.#next]?.value !== undefined) this.#next++
      else this.#places.splice(this.#next, 1)
    }
    return 2 * this.#places.length < this.#taken
  }
}
