package bench

import (
	"io"
	"testing"
)

// The plan that is measured is one with all PSPs; the figure itself says nothing on a machine that does other things.
func TestRoutingIsMeasured(t *testing.T) {
	b := &bench{Options: Options{Out: io.Discard}}
	if err := b.routing(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(b.figures) != 1 || b.figures[0].Min <= 0 {
		t.Errorf("figures: %+v", b.figures)
	}
	t.Logf("%+v", b.figures[0])
}
