package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/rules/velocity"
)

// coolOffKeys are the keys of a cool-off besides those that it shares with rules.
var coolOffKeys = []string{"name", "description", "owner", "instrument", "for", "amount", "commands", "outcome", "overridable", "reason",
	"score", "on_missing", "on_error", "enabled", "shadow", "rollout", "valid_from", "valid_until", "tags", "tests"}

// coolOff reads a cool-off: a rule over velocity definitions that it brings along. An instrument is new where all its
// approved payments of 90 days lie within the cool-off, or where it has none.
func (s *source) coolOff(n ast.Node) (*draft, []*definitionDraft) {
	d := s.newDraft(n)
	d.at["when"] = d.at[""]
	before := len(*s.problems)
	var instrument string
	var amount ledger.Money
	window := velocity.MinWindow
	for _, p := range s.mapping(n, "a cool-off") {
		switch {
		case p.key == "instrument":
			instrument = s.dimension(p.value, "instrument")
		case p.key == "for":
			window = s.window(p.value, "for")
			if window == velocity.MaxWindow {
				s.fail(placeOf(tokenOf(p.value)), "write a time such as 24h or 7d", "a cool-off is shorter than the 90 days for which instruments are remembered")
			}
		case p.key == "amount":
			text := s.text(p.value, "amount")
			m, err := ledger.ParseMoney(text)
			if err != nil && text != "" {
				s.fail(placeOf(tokenOf(p.value)), amountHint, "%s", err)
			}
			amount = m
		case !slices.Contains(coolOffKeys, p.key):
			s.fail(p.at, suggest(p.key, coolOffKeys), "unknown key %q in a cool-off", p.key)
			continue
		default:
			d.read(p)
			continue
		}
		d.at[p.key] = placeOf(tokenOf(p.value))
	}
	for _, key := range []string{"name", "instrument", "for", "outcome"} {
		if _, ok := d.at[key]; !ok && len(*s.problems) == before {
			s.fail(d.at[""], example(key), "the cool-off has no %s", key)
		}
	}
	if d.Reason == "" {
		d.Reason = d.Name
	}
	if len(*s.problems) > before {
		return d, nil
	}
	definition := func(suffix string, v velocity.Definition) *definitionDraft {
		v.Name, v.By, v.Kinds = d.Name+suffix, instrument, []string{velocity.KindApproved}
		return &definitionDraft{Definition: v, source: s, at: map[string]place{"": d.at[""], "name": d.at["name"]}, whole: true}
	}
	definitions := []*definitionDraft{
		definition("_seen", velocity.Definition{Aggregate: velocity.Count, Window: velocity.MaxWindow}),
		definition("_recent", velocity.Definition{Aggregate: velocity.Count, Window: window}),
	}
	d.newness = instrument
	d.When = fmt.Sprintf("velocity.%s_seen == velocity.%s_recent", d.Name, d.Name)
	if amount.Currency != "" {
		definitions = append(definitions, definition("_sum", velocity.Definition{Aggregate: velocity.Sum, Currency: amount.Currency, Window: window, Reserve: true}))
		d.When += fmt.Sprintf(" && velocity.%s_sum + payment.amount.to(%q) > money(%q)", d.Name, amount.Currency, amount)
	}
	return d, definitions
}

// onlyWhereUsed keeps a cool-off from payments that use no such instrument: nobody's card or device is seen in a payment by a
// mandate, and only a payment by card has one. Authorize commands tell neither.
func (d *draft) onlyWhereUsed() {
	of, _, _ := strings.Cut(d.newness, ".")
	switch of {
	case "card", "bin":
		d.When = `(!known(payment.method) || payment.method == "card") && ` + ofCustomers + d.When
	case "context", "device", "ip":
		d.When = ofCustomers + d.When
	}
}

const ofCustomers = `(!known(payment.initiator) || payment.initiator == "customer") && `
