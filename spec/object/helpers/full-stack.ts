// What a program does that goes too deep, catches the error, and tries again where there is a little more room.

/** Runs `act` where the stack is full, and again one call further up each time, until it does not fail by that. */
export function whereTheStackIsFull(act: () => void): void {
  let done = false
  const deeper = (): void => {
    try {
      deeper()
    } catch {
      // here there is no room for another call
    }
    if (done) return
    try {
      act()
      done = true
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
    }
  }
  deeper()
}
