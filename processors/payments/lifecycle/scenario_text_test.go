package lifecycle_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/topics"
)

// args are the words of a line after its verb: plain words in order, options name=value, and flags, which are plain
// words that a verb asks for by name.
type args struct {
	words   []string
	options map[string]string
}

// split cuts a line into words; double quotes hold spaces together.
func split(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	quoted, begun := false, false
	for _, c := range line {
		switch {
		case c == '"':
			quoted, begun = !quoted, true
		case c == ' ' && !quoted:
			if begun {
				words = append(words, word.String())
				word.Reset()
			}
			begun = false
		default:
			word.WriteRune(c)
			begun = true
		}
	}
	if quoted {
		return nil, fmt.Errorf("a quote is not closed")
	}
	if begun {
		words = append(words, word.String())
	}
	return words, nil
}

func argsOf(words []string) *args {
	a := &args{options: make(map[string]string)}
	for _, word := range words {
		if name, value, ok := strings.Cut(word, "="); ok {
			a.options[name] = value
		} else {
			a.words = append(a.words, word)
		}
	}
	return a
}

func (a *args) more() bool { return len(a.words) > 0 }

func (a *args) next() string {
	if len(a.words) == 0 {
		return ""
	}
	word := a.words[0]
	a.words = a.words[1:]
	return word
}

func (a *args) option(name string) string {
	value := a.options[name]
	delete(a.options, name)
	return value
}

func (a *args) or(name, standard string) string {
	if value, ok := a.options[name]; ok {
		delete(a.options, name)
		return value
	}
	return standard
}

func (a *args) duration(name string, d *time.Duration) (err error) {
	if s := a.option(name); s != "" {
		*d, err = time.ParseDuration(s)
	}
	return err
}

func (a *args) flag(name string) bool {
	i := slices.Index(a.words, name)
	if i < 0 {
		return false
	}
	a.words = slices.Delete(a.words, i, i+1)
	return true
}

func (a *args) unused() error {
	if len(a.words) > 0 || len(a.options) > 0 {
		return fmt.Errorf("not understood: %v %v", a.words, slices.Sorted(maps.Keys(a.options)))
	}
	return nil
}

// describe writes an event: its type, amount, the status after it, the amounts where it moved one.
func describe(e *topics.PaymentEvent, after *lifecycle.Payment) string {
	var b strings.Builder
	b.WriteString(string(e.Type))
	money := func(v int64) string { return ledger.Money{Minor: v, Currency: ledger.Currency(e.Currency)}.String() }
	if e.Amount != 0 && e.Currency != "" {
		b.WriteString(" " + money(e.Amount))
	}
	if e.Refusal != "" {
		fmt.Fprintf(&b, " %s (%s)", e.Refusal, e.Detail)
	}
	if len(e.Reasons) > 0 {
		fmt.Fprintf(&b, " reasons %s", strings.Join(e.Reasons, ","))
	}
	if r := e.Request; r != nil && r.Attempt > 0 {
		fmt.Fprintf(&b, " attempt %d, route %s", r.Attempt, r.Route)
		leftOut(&b, r.Plan)
	}
	if c := e.Created; c != nil && c.Plan != nil {
		fmt.Fprintf(&b, " later by")
		for _, next := range c.Plan.Candidates {
			fmt.Fprintf(&b, " %s", next.Route)
		}
		leftOut(&b, c.Plan)
	}
	if e.PSP != nil && e.PSP.DeclineCode != "" {
		fmt.Fprintf(&b, " code %s", e.PSP.DeclineCode)
		if e.PSP.HardDecline {
			b.WriteString(" hard")
		}
	}
	if e.PSP != nil && e.PSP.Confirmations != nil {
		c := e.PSP.Confirmations
		fmt.Fprintf(&b, " seen %s, confirmed %d of %d", money(c.Seen), c.Have, c.Need)
	}
	if after != nil {
		fmt.Fprintf(&b, " → %s", after.Status())
	}
	describeMandate(&b, e)
	if t := e.Totals; t != nil {
		fmt.Fprintf(&b, " [authorized %s, captured %s", money(t.Authorized), money(t.Captured))
		if t.Refunding != 0 {
			b.WriteString(", refunding " + money(t.Refunding))
		}
		if t.Refunded != 0 {
			b.WriteString(", refunded " + money(t.Refunded))
		}
		if t.Unapplied != 0 {
			b.WriteString(", unapplied " + money(t.Unapplied))
		}
		b.WriteString("]")
	}
	return b.String()
}

func postings(e *ledger.Entry) string {
	parts := make([]string, len(e.Postings))
	for i, p := range e.Postings {
		parts[i] = fmt.Sprintf("%s %s", accountName(p.Account), ledger.Money{Minor: p.Minor, Currency: p.Account.Currency})
	}
	return e.Template + ": " + strings.Join(parts, ", ")
}

func accountName(a ledger.Account) string {
	if a.Owner == "" {
		return string(a.Code)
	}
	if strings.HasPrefix(a.Owner, "guest_") {
		return string(a.Code) + "(guest)"
	}
	return fmt.Sprintf("%s(%s)", a.Code, a.Owner)
}

func leftOut(b *strings.Builder, plan *topics.RoutePlan) {
	if plan == nil {
		return
	}
	for _, out := range plan.LeftOut {
		fmt.Fprintf(b, ", not %s (%s)", out.Route, out.Reason)
	}
}

// planOf reads plan=a,b,c: a route for each PSP, left out where a reason follows it (b:disabled). Where that is that
// data is missing, the plan is partial.
func planOf(a *args) (*topics.RoutePlan, error) {
	names := a.option("plan")
	if names == "" {
		return nil, nil
	}
	plan := &topics.RoutePlan{Version: "routes", Partial: strings.Contains(names, ":missing")}
	for name := range strings.SplitSeq(names, ",") {
		psp, reason, left := strings.Cut(name, ":")
		if left {
			plan.LeftOut = append(plan.LeftOut, topics.RouteLeftOut{Route: "to_" + psp, PSP: psp, Reason: reason})
			if reason == "disabled" || reason == "unhealthy" {
				plan.Later = append(plan.Later, topics.RouteCandidate{Route: "to_" + psp, PSP: psp})
			}
		} else {
			plan.Candidates = append(plan.Candidates, topics.RouteCandidate{Route: "to_" + psp, PSP: psp})
		}
	}
	var within, wait time.Duration
	err := errors.Join(a.duration("within", &within), a.duration("defer", &wait))
	plan.WithinSeconds, plan.DeferSeconds = int64(within.Seconds()), int64(wait.Seconds())
	if within == 0 {
		plan.WithinSeconds = 30
	}
	plan.Attempts = 3
	if s := a.option("attempts"); s != "" && err == nil {
		plan.Attempts, err = strconv.Atoi(s)
	}
	return plan, err
}

func reviewOf(r *topics.ReviewRequest) string {
	s := fmt.Sprintf("of %s", ledger.Money{Minor: r.Authorization.Amount, Currency: ledger.Currency(r.Command.Currency)})
	if a := r.Authorization.Authentication; a != nil {
		s += fmt.Sprintf(": avs %s, cvv %s, eci %q", a.AVS, a.CVV, a.ECI)
	}
	return s
}

func request(r *topics.PSPRequest) string {
	what := string(r.Operation)
	if r.Poll {
		what = "poll of " + what
	}
	s := fmt.Sprintf("%s %s", what, ledger.Money{Minor: r.Amount, Currency: ledger.Currency(r.Currency)})
	if r.Capture && !r.Poll {
		s += " and capture"
	}
	if r.ThreeDS {
		s += " with 3-D Secure"
	}
	if r.Challenge != nil {
		s += " challenge " + r.Challenge.Result
	}
	if r.StatementDescriptor != "" {
		s += fmt.Sprintf(" as %q", r.StatementDescriptor)
	}
	if r.PSPReference != "" {
		s += " of " + r.PSPReference
	}
	if r.PSP != "sandbox" {
		s += " at " + r.PSP
	}
	if k := r.StoredCredential; k != nil {
		s += fmt.Sprintf(", %s use of %s", k.Use, r.Card.Token)
		if k.NetworkReference != "" {
			s += " after " + k.NetworkReference
		}
	}
	if r.Fallback {
		s += ", else another"
	}
	return s
}
