package bench

import (
	"fmt"
	"slices"
	"text/tabwriter"

	"github.com/weirhq/weir/topics"
)

// figure is one line of the result. Several samples are given as their minimum, median and maximum.
type figure struct {
	Name   string `json:"figure"`
	Unit   string `json:"unit"`
	Min    int64  `json:"min"`
	Median int64  `json:"median"`
	Max    int64  `json:"max"`
	Want   string `json:"want"`
}

func (b *bench) figure(name, unit, want string, samples ...int64) {
	slices.Sort(samples)
	f := figure{Name: name, Unit: unit, Want: want}
	if n := len(samples); n > 0 {
		f.Min, f.Median, f.Max = samples[0], samples[n/2], samples[n-1]
	}
	b.figures = append(b.figures, f)
	fmt.Fprintf(b.Out, "%s: %d %s\n", f.Name, f.Median, f.Unit)
}

// print writes the table, then the same as JSON lines.
func (b *bench) print() error {
	table := tabwriter.NewWriter(b.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "\nfigure\tmin\tmedian\tmax\tunit\twant\n")
	for _, f := range b.figures {
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%s\t%s\n", f.Name, f.Min, f.Median, f.Max, f.Unit, f.Want)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(b.Out)
	for _, f := range b.figures {
		line, err := topics.Marshal(f)
		if err != nil {
			return err
		}
		fmt.Fprintf(b.Out, "%s\n", line)
	}
	return nil
}
