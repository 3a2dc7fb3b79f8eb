package rules

import (
	"strings"
	"sync"
)

var fieldsByName = sync.OnceValue(func() map[string]*Field {
	fields, byName := Fields(), map[string]*Field{}
	for i := range fields {
		byName[fields[i].Name] = &fields[i]
	}
	return byName
})

// Text is the value of a field by which velocity may count, as a definition names it; "" where it is missing.
func (in *Input) Text(name string) string {
	if f := fieldsByName()[name]; f != nil && f.Type == TypeText {
		return f.text(in)
	}
	for _, of := range []string{fieldMetadata, fieldEventMetadata, fieldPayoutMetadata} {
		if key, ok := strings.CutPrefix(name, of+"."); ok {
			if texts := fieldsByName()[of].texts(in); texts != nil {
				return (*texts)[key]
			}
		}
	}
	return ""
}

// TextOf is Input.Text of a field that is read of many inputs.
func TextOf(name string) func(*Input) string {
	if f := fieldsByName()[name]; f != nil && f.Type == TypeText {
		return f.text
	}
	return func(in *Input) string { return in.Text(name) }
}
