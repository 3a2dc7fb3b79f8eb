package picture

import (
	"fmt"
	"slices"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/aml/graph"
)

// Lengths of the picture, in pixels.
const (
	boxWidth, boxHeight = 170, 44
	columnWidth         = 400 // from box to box
	rowHeight           = 84
	margin              = 28
	bow                 = 46 // how far an arrow that goes back swings out
)

// drawing is a picture with its places.
type drawing struct {
	*graph.Subgraph
	Width, Height int
	Boxes         []box
	Arrows        []arrow
	Ties          []tie
	Left          int // parties that are not drawn
	Amount        string
	Rows          []row
}

// box is a party.
type box struct {
	X, Y         int
	Label, Below string
	Role         graph.Role
}

// arrow is a flow.
type arrow struct {
	Path, Text   string
	TextX, TextY int
}

// tie is a link: it has no direction.
type tie struct{ Path string }

// row is a line of the table.
type row struct {
	From, To    string
	Link        bool
	Count       int64
	Amount      int64
	First, Last int64
}

// layout gives each party a layer and a row.
type layout struct {
	layer map[graph.Party]int
	row   map[graph.Party]int
	tall  int
	wide  int
	pays  map[graph.Party]int // flows
	paid  map[graph.Party]int
}

func draw(s *graph.Subgraph, currency ledger.Currency) *drawing {
	parties := partiesOf(s)
	labels := label(parties)
	d := &drawing{Subgraph: s, Left: max(len(parties)-maxDrawn, 0)}
	shown := parties[:len(parties)-d.Left]
	l := arrange(s, shown)
	d.Width, d.Height = 2*margin+(l.wide-1)*columnWidth+boxWidth, 2*margin+2*bow+(l.tall-1)*rowHeight+boxHeight
	roles := map[graph.Party]graph.Role{}
	for _, m := range s.Members {
		roles[m.Party] = m.Role
	}
	for _, p := range shown {
		x, y := l.at(p)
		d.Boxes = append(d.Boxes, box{X: x, Y: y, Label: labels[p], Below: mask(p.ID), Role: roles[p]})
	}
	var total int64
	for i := range s.Flows {
		f := &s.Flows[i]
		total += f.Amount
		d.Rows = append(d.Rows, row{labels[f.From], labels[f.To], false, int64(f.Count), f.Amount, f.First, f.Last})
		if l.has(f.From) && l.has(f.To) {
			d.Arrows = append(d.Arrows, l.arrow(f, currency))
		}
	}
	for i := range s.Links {
		k := &s.Links[i]
		d.Rows = append(d.Rows, row{labels[k.Customer], labels[k.Instrument], true, k.Count, k.Amount, k.First, k.Last})
		if l.has(k.Customer) && l.has(k.Instrument) {
			d.Ties = append(d.Ties, l.tie(k))
		}
	}
	d.Amount = ledger.Money{Minor: total, Currency: currency}.String()
	return d
}

// partiesOf lists the parties of a subgraph in their order, members first.
func partiesOf(s *graph.Subgraph) []graph.Party {
	var all, others []graph.Party
	seen := map[graph.Party]bool{}
	for i := range s.Members {
		seen[s.Members[i].Party] = true
		all = append(all, s.Members[i].Party)
	}
	for i := range s.Links {
		if p := s.Links[i].Instrument; !seen[p] {
			seen[p] = true
			others = append(others, p)
		}
	}
	slices.SortFunc(others, graph.Party.Compare)
	return append(all, others...)
}

// label numbers the parties of each kind.
func label(parties []graph.Party) map[graph.Party]string {
	labels, numbers := map[graph.Party]string{}, map[graph.Kind]int{}
	for _, p := range parties {
		numbers[p.Kind]++
		labels[p] = fmt.Sprintf("%s %d", words(p.Kind), numbers[p.Kind])
	}
	return labels
}

// arrange puts money's way from left to right: whoever is first seen to be paid stands right of who pays him. Instruments
// without flows stand right of their customers.
func arrange(s *graph.Subgraph, shown []graph.Party) *layout {
	l := &layout{layer: map[graph.Party]int{}, row: map[graph.Party]int{}, pays: map[graph.Party]int{}, paid: map[graph.Party]int{}}
	for i := range s.Flows {
		f := &s.Flows[i]
		l.pays[f.From]++
		l.paid[f.To]++
		from, paid := l.layer[f.From]
		to, got := l.layer[f.To]
		switch {
		case !paid && !got:
			l.layer[f.From], l.layer[f.To] = 0, 1
		case !paid:
			l.layer[f.From] = to - 1
		case !got:
			l.layer[f.To] = from + 1
		}
	}
	flows := len(l.layer)
	for i := range s.Links {
		k := &s.Links[i]
		if _, ok := l.layer[k.Customer]; !ok {
			l.layer[k.Customer] = 0
		}
		if at, ok := l.layer[k.Instrument]; !ok || flows == 0 {
			l.layer[k.Instrument] = max(at, l.layer[k.Customer]+1)
		}
	}
	l.rows(s, shown)
	return l
}

// rows gives each layer its rows, so that a party stands near the middle of those on its left.
func (l *layout) rows(s *graph.Subgraph, shown []graph.Party) {
	least, most := 0, 0
	for _, p := range shown {
		least, most = min(least, l.layer[p]), max(most, l.layer[p])
	}
	layers := make([][]graph.Party, most-least+1)
	for _, p := range shown {
		l.layer[p] -= least
		layers[l.layer[p]] = append(layers[l.layer[p]], p)
	}
	for _, layer := range layers {
		middle := map[graph.Party]int{}
		for _, p := range layer {
			middle[p] = l.middle(s, p)
		}
		slices.SortStableFunc(layer, func(p, q graph.Party) int { return middle[p] - middle[q] })
		for at, p := range layer {
			l.row[p] = at
		}
		l.tall = max(l.tall, len(layer))
	}
	for _, layer := range layers { // in the middle of the height, in half rows
		for _, p := range layer {
			l.row[p] = 2*l.row[p] + l.tall - len(layer)
		}
	}
	l.wide = len(layers)
}

// middle is the mean row of who pays a party from the layer before, or is tied to it from there, in thousandths.
func (l *layout) middle(s *graph.Subgraph, p graph.Party) int {
	sum, n := 0, 0
	add := func(q graph.Party) {
		if row, ok := l.row[q]; ok && l.layer[q] == l.layer[p]-1 {
			sum, n = sum+row, n+1
		}
	}
	for i := range s.Flows {
		if s.Flows[i].To == p {
			add(s.Flows[i].From)
		}
	}
	for i := range s.Links {
		if s.Links[i].Instrument == p {
			add(s.Links[i].Customer)
		}
	}
	if n == 0 {
		return 0
	}
	return 1000 * sum / n
}

func (l *layout) has(p graph.Party) bool {
	_, ok := l.row[p]
	return ok
}

// at is the upper left corner of a party's box.
func (l *layout) at(p graph.Party) (x, y int) {
	return margin + l.layer[p]*columnWidth, margin + bow + l.row[p]*rowHeight/2
}

// arrow draws a flow: to the right as a curve, otherwise as a bow above or below the boxes.
func (l *layout) arrow(f *graph.Flow, currency ledger.Currency) arrow {
	x1, y1 := l.at(f.From)
	x2, y2 := l.at(f.To)
	text := ledger.Money{Minor: f.Amount, Currency: currency}.String()
	if f.Count > 1 {
		text = fmt.Sprintf("%d× %s", f.Count, text)
	}
	if x2 > x1 {
		x1, y1, y2 = x1+boxWidth, y1+boxHeight/2, y2+boxHeight/2
		half := (x2 - x1) / 2
		// Labels stand towards the end where fewer arrows meet.
		path := fmt.Sprintf("M%d %d C%d %d %d %d %d %d", x1, y1, x1+half, y1, x2-half, y2, x2-4, y2)
		if l.pays[f.From] > l.paid[f.To] {
			return arrow{path, text, x2 - 3*(x2-x1)/10, y2 - (y2-y1)*16/100 - 5}
		}
		return arrow{path, text, x1 + 3*(x2-x1)/10, y1 + (y2-y1)*16/100 - 5}
	}
	top := min(y1, y2) - bow
	x1, x2 = x1+boxWidth/2-12, x2+boxWidth/2+12
	return arrow{fmt.Sprintf("M%d %d C%d %d %d %d %d %d", x1, y1, x1, top, x2, top, x2, y2-4), text, (x1 + x2) / 2, (y1+y2+6*top)/8 - 5}
}

// tie draws a link.
func (l *layout) tie(k *graph.Link) tie {
	x1, y1 := l.at(k.Customer)
	x2, y2 := l.at(k.Instrument)
	if x2 < x1 {
		x1, y1, x2, y2 = x2, y2, x1, y1
	}
	y1, y2 = y1+boxHeight/2+8, y2+boxHeight/2+8
	if x1 == x2 {
		return tie{fmt.Sprintf("M%d %d C%d %d %d %d %d %d", x1, y1, x1-bow, y1, x2-bow, y2, x2, y2)}
	}
	x1 += boxWidth
	half := (x2 - x1) / 2
	return tie{fmt.Sprintf("M%d %d C%d %d %d %d %d %d", x1, y1, x1+half, y1, x2-half, y2, x2, y2)}
}
