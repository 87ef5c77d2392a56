// The last values of one figure, as a line is drawn of them.

const POINTS = 120;

export class Trail {
  values = $state.raw<number[]>([]);

  push(value: number): void {
    this.values = [...this.values.slice(-(POINTS - 1)), value];
  }
}
