package demo

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows how many payments have ended: a bar on a terminal, a line for each tenth elsewhere.
type progress struct {
	out   io.Writer
	bar   *progressbar.ProgressBar // nil where there is no terminal
	total int
	ended int // of the lines; the scoreboard calls advance one at a time
}

func newProgress(total int, out io.Writer) *progress {
	p := &progress{out: out, total: total}
	if file, ok := out.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		p.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(out), progressbar.OptionShowCount(),
			progressbar.OptionSetDescription("payments"), progressbar.OptionThrottle(100*time.Millisecond))
	}
	return p
}

func (p *progress) advance() {
	if p.bar != nil {
		_ = p.bar.Add(1) // what cannot be shown is no failure of the demo
		return
	}
	p.ended++
	if tenth := max(1, p.total/10); p.ended%tenth == 0 {
		fmt.Fprintf(p.out, "payments ended: %d of %d\n", p.ended, p.total)
	}
}

func (p *progress) finish() {
	if p.bar != nil {
		_ = p.bar.Finish()
		fmt.Fprintln(p.out)
	}
}
