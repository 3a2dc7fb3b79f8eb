package links_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"
	"pgregory.net/rapid"

	"github.com/weirhq/weir/internal/reference/schematest"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/processors/payments/links"
	"github.com/weirhq/weir/topics"
)

// world plays scenarios: one customer's links, and payments that are no more than what they are to a link.
type world struct {
	rapid.TB
	schemas  schematest.Schemas
	limits   lifecycle.Limits
	now      time.Time
	position int64
	links    map[string]*links.Link
	payments map[string]*payment
	last     string
}

type payment struct {
	link  string
	state links.State
}

func newWorld(t rapid.TB) *world {
	return &world{TB: t, limits: lifecycle.DefaultLimits(), now: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC), links: map[string]*links.Link{}, payments: map[string]*payment{}}
}

func id(name string) uuid.UUID { return uuid.NewV5(uuid.NamespaceOID, name) }

func linkOf(name string) topics.LinkID {
	return topics.LinkID{Partition: 1, UUID: topics.LinkKey("acme", id(name))}
}

func paymentOf(name string) string { return topics.PaymentID{Partition: 1, UUID: id(name)}.String() }

// do plays one line of a scenario.
func (w *world) do(line string) []string {
	words := strings.Fields(line)
	options := map[string]string{}
	words = slices.DeleteFunc(words, func(word string) bool {
		name, value, ok := strings.Cut(word, "=")
		if ok {
			options[name] = value
		}
		return ok
	})
	take := func(name, standard string) string {
		defer delete(options, name)
		if value, ok := options[name]; ok {
			return value
		}
		return standard
	}
	money := ledger.Money{}
	if n := len(words); n >= 3 {
		var err error
		if money, err = ledger.ParseMoney(words[n-2] + " " + words[n-1]); err != nil {
			w.Fatalf("%q: %v", line, err)
		}
	}
	w.position++
	var lines []string
	switch verb := words[0]; verb {
	case "wait":
		w.now = w.now.Add(w.duration(words[1]))
	case "create":
		lines = w.create(money, take)
	case "cancel":
		name := take("link", w.last)
		lines = w.decide(name, &links.Input{Command: assessed(topics.LinkCommand{CommandID: id(fmt.Sprint("cancel", w.position)).String(), Type: topics.LinkCancel,
			Tenant: "acme", CustomerID: take("customer", "anna"), Region: take("region", ""), LinkID: linkOf(name).String(), Reason: take("reason", "")})})
	case "timer":
		lines = w.timer(take("link", w.last))
	case "begin":
		lines = w.begin(words[1], money, take)
	case "captured", "ended", "again":
		lines = w.became(words[1], map[string]links.State{"captured": links.Captured, "ended": links.Released, "again": links.Reserved}[verb])
	default:
		w.Fatalf("%q: not understood", line)
	}
	if len(options) > 0 {
		w.Fatalf("%q: not understood: %v", line, options)
	}
	return lines
}

func assessed(c topics.LinkCommand) *topics.AssessedLinkCommand {
	return &topics.AssessedLinkCommand{Command: c, Refusal: c.Validate()}
}

func (w *world) duration(s string) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil {
		w.Fatal(err)
	}
	return d
}

func (w *world) create(money ledger.Money, take func(name, standard string) string) []string {
	name := take("id", fmt.Sprint("l", w.position))
	uses := 0
	if text := take("uses", ""); text != "" {
		if _, err := fmt.Sscan(text, &uses); err != nil {
			w.Fatal(err)
		}
	}
	lines := w.decide(name, &links.Input{Command: assessed(topics.LinkCommand{CommandID: id(name).String(), Type: topics.LinkCreate, Tenant: "acme",
		CustomerID: take("customer", "anna"), Amount: money.Minor, Currency: string(money.Currency), Description: take("for", "shoes"), MaxUses: uses,
		ExpiresAt: w.now.Add(w.duration(take("for-time", "24h"))), TokenHash: topics.HashLinkSecret(name), Invoice: w.invoice(take)})})
	if w.links[name] != nil {
		w.last = name
	}
	return lines
}

// invoice reads invoice=R-1 with lines=2x5000+1900,1x-500 (minor units, a tax behind each plus) and due=48h.
func (w *world) invoice(take func(name, standard string) string) *topics.Invoice {
	number, lines, due := take("invoice", ""), take("lines", ""), take("due", "")
	if number == "" {
		return nil
	}
	i := &topics.Invoice{Number: number}
	if due != "" {
		i.DueAt = w.now.Add(w.duration(due))
	}
	for text := range strings.SplitSeq(lines, ",") {
		line := topics.InvoiceLine{Description: "shoes"}
		if n, err := fmt.Sscanf(text, "%dx%d+%d", &line.Quantity, &line.UnitPrice, &line.Tax); n < 2 {
			w.Fatalf("lines=%s: %v", text, err)
		}
		i.Lines = append(i.Lines, line)
	}
	return i
}

func (w *world) decide(name string, in *links.Input) []string {
	in.Partition, in.Position = 1, w.position
	return w.fold(name, links.Decide(linkOf(name), w.links[name], in, w.now, &w.limits))
}

// timer runs out the timer that the link holds; the clock goes to its time.
func (w *world) timer(name string) []string {
	l := w.links[name]
	if l == nil || l.Timer.Kind == "" {
		return []string{"there is no timer"}
	}
	if w.now.Before(l.Timer.Due) {
		w.now = l.Timer.Due
	}
	return w.decide(name, &links.Input{Timer: &topics.TimerDue{Kind: l.Timer.Kind, Generation: l.Timer.Generation, Due: l.Timer.Due, Tenant: "acme",
		CustomerID: "anna", PaymentID: linkOf(name).String()}})
}

// begin is a payment by a link, as the fold lets it begin.
func (w *world) begin(name string, money ledger.Money, take func(name, standard string) string) []string {
	link := take("link", w.last)
	l := w.links[link]
	c := topics.Command{Type: topics.CommandCreate, Tenant: "acme", CustomerID: take("customer", "anna"), Region: take("region", ""), LinkID: linkOf(link).String()}
	if c.Amount, c.Currency = money.Minor, string(money.Currency); c.Currency == "" && l != nil {
		c.Amount, c.Currency = l.Amount, string(l.Currency)
	}
	if refusal := links.Refuse(l, &c, w.now, &w.limits); refusal != nil {
		return []string{fmt.Sprintf("refused: %s (%s)", refusal.Code, strings.ReplaceAll(refusal.Detail, linkOf(link).String(), link))}
	}
	w.payments[name] = &payment{link: link}
	return w.became(name, links.Reserved)
}

func (w *world) became(name string, state links.State) []string {
	p := w.payments[name]
	if p == nil {
		return []string{"there is no such payment"}
	}
	before := p.state
	p.state = state
	change := links.Change{Payment: paymentOf(name), Before: before, After: state}
	return w.fold(p.link, links.Use(w.links[p.link], change, w.now, 1, w.position, 0))
}

// fold folds events, holds the link to what it must be, and tells of them.
func (w *world) fold(name string, events []topics.LinkEvent) (lines []string) {
	for i := range events {
		e := &events[i]
		if w.schemas != nil {
			if err := w.schemas.Check(*e); err != nil {
				w.Fatal(err)
			}
		}
		l, err := links.Evolve(w.links[name].Clone(), e)
		if err == nil {
			err = links.Check(l, e)
		}
		if err != nil {
			w.Fatal(err)
		}
		if e.Type == topics.LinkCommandRefused {
			lines = append(lines, fmt.Sprintf("refused: %s (%s)", e.Refusal, strings.ReplaceAll(e.Detail, linkOf(name).String(), name)))
			continue
		}
		w.links[name] = l
		text := fmt.Sprintf("%s: %s, %d reserved, %d captured of %d", e.Type, e.Status, e.Uses.Reserved, e.Uses.Captured, l.Data.MaxUses)
		if e.Late {
			text += ", late"
		}
		if e.Refusal != "" {
			text += fmt.Sprintf(" (%s)", e.Refusal)
		}
		if e.Timer != nil && e.Timer.Kind != "" {
			text += fmt.Sprintf("; %s in %s", e.Timer.Kind, e.Timer.Due.Sub(w.now))
		} else if e.Timer != nil {
			text += "; no timer"
		}
		lines = append(lines, text)
	}
	if l := w.links[name]; l != nil {
		w.stored(l)
	}
	return lines
}

// stored holds the link to what is read back of it.
func (w *world) stored(l *links.Link) {
	state, err := l.Encode()
	if err != nil {
		w.Fatal(err)
	}
	back, err := links.Decode(l.ID, l.Tenant, l.Customer, state)
	if err != nil {
		w.Fatal(err)
	}
	again, err := back.Encode()
	if err != nil || string(again) != string(state) {
		w.Fatalf("stored and read back: %s, want %s (%v)", again, state, err)
	}
}
