package backtest

import (
	"fmt"
	"math"
	"strings"
)

// plot is one inline SVG, laid out in its own units; the template draws it, the style sheet colours it.
type plot struct {
	Name, About    string // for those who cannot see it
	Width, Height  float64
	Frame          rect
	XTicks, YTicks []tick
	XLabel, YLabel string
	Bars           []rect
	Lines          []line
	Dots           []dot
	Legend         []key
}

type rect struct {
	X, Y, W, H   float64
	Class, Title string
}

type tick struct {
	At    float64
	Label string
}

type line struct{ Class, Path string }

type dot struct {
	X, Y         float64
	Class, Title string
	Label        string
}

// key is an entry of a legend.
type key struct{ Class, Label string }

// Right, Bottom: for the template.
func (r rect) Right() float64  { return r.X + r.W }
func (r rect) Bottom() float64 { return r.Y + r.H }
func (r rect) Middle() float64 { return r.Y + r.H/2 }
func (r rect) Center() float64 { return r.X + r.W/2 }

// Sizes, in the units of a plot.
const (
	plotWidth    = 560
	plotHeight   = 300
	wideWidth    = 1140
	marginLeft   = 56
	marginRight  = 14
	marginTop    = 14
	marginBottom = 44
	barHeight    = 20
)

func newPlot(name, about string, width, height float64) *plot {
	return &plot{Name: name, About: about, Width: width, Height: height,
		Frame: rect{X: marginLeft, Y: marginTop, W: width - marginLeft - marginRight, H: height - marginTop - marginBottom}}
}

// unitPlot is a plot whose axes both go from 0 to 1.
func unitPlot(name, about, x, y string) *plot {
	p := newPlot(name, about, plotWidth, plotHeight)
	p.XLabel, p.YLabel = x, y
	for i := range 6 {
		label := fmt.Sprintf("%.1f", float64(i)/5)
		p.XTicks = append(p.XTicks, tick{p.x(float64(i) / 5), label})
		p.YTicks = append(p.YTicks, tick{p.y(float64(i) / 5), label})
	}
	return p
}

// x and y are where a part of an axis lies.
func (p *plot) x(part float64) float64 { return rounded(p.Frame.X + part*p.Frame.W) }
func (p *plot) y(part float64) float64 { return rounded(p.Frame.Bottom() - part*p.Frame.H) }

func rounded(v float64) float64 { return math.Round(v*10) / 10 }

// path draws points, each a part of the axes.
func (p *plot) path(class string, points [][2]float64) {
	var b strings.Builder
	for i, at := range points {
		letter := "L"
		if i == 0 {
			letter = "M"
		}
		fmt.Fprintf(&b, "%s%g %g", letter, p.x(at[0]), p.y(at[1]))
	}
	p.Lines = append(p.Lines, line{class, b.String()})
}

// countAxis makes the y axis one of numbers up to a largest, with round ticks, and returns what is at its end.
func (p *plot) countAxis(largest float64) float64 {
	step := roundStep(largest / 4)
	top := step * math.Ceil(largest/step)
	for v := 0.0; v <= top+step/2; v += step {
		p.YTicks = append(p.YTicks, tick{p.y(v / top), short(v)})
	}
	return top
}

// roundStep is 1, 2, 2.5 or 5 times a power of ten, a whole number, not below a step.
func roundStep(step float64) float64 {
	if step <= 1 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(step)))
	for _, m := range []float64{1, 2, 2.5, 5} {
		if m*power >= step && (m != 2.5 || power >= 10) {
			return m * power
		}
	}
	return 10 * power
}

// short is a number for an axis.
func short(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%gM", v/1e6)
	case v >= 1e4:
		return fmt.Sprintf("%gk", v/1e3)
	}
	return fmt.Sprintf("%g", v)
}
