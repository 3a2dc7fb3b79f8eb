package reference

import (
	"fmt"
	"strings"
	"time"

	"github.com/weirhq/weir/topics/declines"
)

// declineCodes is the table of decline codes for people.
func declineCodes() string {
	var b strings.Builder
	b.WriteString(`# Decline codes

What the decline codes of issuers and PSPs mean. An adapter passes the code on as the PSP gave it (` + "`decline_code`" + `) and looks
it up here: events and reports have its category (` + "`decline_category`" + `) and what may be tried (` + "`decline_retry`" + `):

- ` + "`never`" + `: a hard decline. The same card with the same data is not accepted later either, by any PSP.
- ` + "`later`" + `: after a while. Another PSP would be told the same, or may do again what the first may have done, so a cascade does not ask one.
- ` + "`other_route`" + `: another PSP may accept it at once; a [cascade](routing.md) asks it.
- ` + "`after_authentication`" + `: only with the customer, who authenticates or takes the payment up again.

Codes of **category 1** must never be tried again by the rules of the card schemes: the issuer will not approve, and each repeat
costs a fee. Where the PSP itself calls a decline hard, it is, whatever stands here. A code that is not in the table is of
category ` + "`unknown`" + `.

The tables are data: [codes.csv](../topics/declines/codes.csv), [categories.csv](../topics/declines/categories.csv). Each code
was looked up in public [references](#references): one says what it means, one whether it may be tried again. A dash stands
where none says it: how to try again is then our reading of the meaning, soft where the meaning leaves it open.

## Categories

| category | try again | message for the customer |
|---|---|---|
`)
	for _, k := range declines.Kinds() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", k.Category, tryAgain(k.Retry, k.After), k.Message)
	}
	b.WriteString("\n## Codes\n\nCodes of Mastercard that are not listed are those of ISO 8583.\n")
	source := declines.Source("")
	for _, c := range declines.Codes() {
		if c.Source != source {
			source = c.Source
			fmt.Fprintf(&b, "\n### %s\n\n| code | meaning | category | try again | meaning from | try again from |\n|---|---|---|---|---|---|\n", c.Source)
		}
		again := tryAgain(c.Retry, c.After)
		if c.Rule == declines.Category1 {
			again += " (category 1)"
		}
		fmt.Fprintf(&b, "| `%s` | %s | `%s` | %s | %s | %s |\n", c.Code, c.Meaning, c.Category, again, from(c.MeaningFrom), from(c.RetryFrom))
	}
	b.WriteString("\n## References\n\n| name | what |\n|---|---|\n")
	for _, r := range declines.References() {
		what := r.Title
		if r.Address != "" {
			what = fmt.Sprintf("[%s](%s)", r.Title, r.Address)
		}
		fmt.Fprintf(&b, "| %s | %s |\n", r.Name, what)
	}
	return b.String()
}

// from names a reference.
func from(name string) string {
	if name == "" {
		return "–"
	}
	return name
}

func tryAgain(retry declines.Retry, after time.Duration) string {
	if retry != declines.Later {
		return "`" + string(retry) + "`"
	}
	if hours := int(after.Hours()); hours != 1 {
		return fmt.Sprintf("`%s`, after %d hours", retry, hours)
	}
	return fmt.Sprintf("`%s`, after an hour", retry)
}
