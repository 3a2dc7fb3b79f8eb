package rules

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"

	"github.com/weirhq/weir/ledger"
)

// conversion is an amount in another currency, as a condition asks for it: payment.amount.to("EUR").
type conversion struct {
	to     ledger.Currency
	offset int // in the condition, in characters
}

// conversionOf reads a conversion.
func conversionOf(e ast.Expr) (amount ast.Expr, to ledger.Currency, ok bool) {
	if e.Kind() != ast.CallKind {
		return nil, "", false
	}
	call := e.AsCall()
	if call.FunctionName() != "to" || !call.IsMemberFunction() || len(call.Args()) != 1 {
		return nil, "", false
	}
	text, ok := textLiteral(call.Args()[0])
	return call.Target(), ledger.Currency(text), ok
}

// conversion checks what a condition converts, and to which currency.
func (c *condition) conversion(e ast.Expr) {
	const example = `write payment.amount.to("EUR")`
	amount, to, ok := conversionOf(e)
	if !ok {
		c.fail(e, example, "to() takes a currency in quotes")
		return
	}
	if _, known := to.Exponent(); !known {
		c.fail(e.AsCall().Args()[0], currencyHint, "%q is not a currency", string(to))
		return
	}
	f, ok := c.fieldOf(amount)
	switch {
	case !ok && strings.HasPrefix(dotted(amount), limitPrefix):
		c.fail(e, example, "a limit has amounts of its own for each currency")
	case !ok && strings.HasPrefix(dotted(amount), moneyPrefix):
		c.fail(e, example+", or the amount in the other currency", "a fixed amount is not converted")
	case !ok && amount.Kind() == ast.CallKind:
		c.fail(e, "convert each amount by itself: velocity.deposits + payment.amount.to(\"EUR\")", "to() takes an amount, not a sum")
	case ok && f.Type != TypeMoney:
		c.fail(e, example, "%s is not an amount", f.Name)
	case ok && f.Currency == to:
		c.fail(e, "leave .to() out", "%s is always in %s", f.Name, to)
	case ok:
		c.converts = append(c.converts, conversion{to, c.start(e)})
	}
}

// conversions checks that the set has rates for what a condition converts. A cool-off converts where it can.
func (c *compiler) conversions(d *condition) {
	for _, use := range d.converts {
		switch {
		case d.whenNode == nil:
		case c.set.rates == nil:
			d.failAt(use.offset, "add rates: { file: rates.csv }", "the rule set has no rates of exchange")
		case !c.set.rates.names(use.to):
			d.failAt(use.offset, "add rates from or to "+string(use.to), "the rates have none of %s", fmt.Sprint(use.to))
		}
	}
}

// uselessRates warns of a table that converts nothing, and of definitions for which it converts nothing.
func (c *compiler) uselessRates(conditions []*condition) {
	if c.set.rates == nil {
		return
	}
	used := slices.ContainsFunc(conditions, func(d *condition) bool { return len(d.converts) > 0 })
	for _, d := range c.definitionDrafts {
		used = used || d.Currency != ""
		if d.whole && d.Currency != "" && !c.set.rates.names(d.Currency) {
			at, ok := d.at["currency"]
			if !ok {
				at = d.at[""]
			}
			c.warn(d.source, at, fmt.Sprintf("add rates from or to %s", d.Currency),
				"velocity.%s adds up in %s, of which the rates have none: other amounts make it missing", d.Name, d.Currency)
		}
	}
	for _, doc := range c.docs {
		if doc.rates != nil && !used {
			c.warn(doc.source, doc.rates.at, `write payment.amount.to("EUR"), or leave them out`, "nothing is converted by the rates")
		}
	}
}
