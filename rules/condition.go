package rules

import (
	"cmp"
	"fmt"
	"regexp"
	"sort"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// condition is a rule's condition on its way from text to program.
type condition struct {
	*draft
	parsed    *cel.Ast
	text      string          // normalised
	fields    []Field         // that it may read: those of its stage
	all       []Field         // those of every stage
	reads     map[string]bool // fields read, other than inside known()
	asks      map[string]bool // fields that known() asks for
	constants map[string]bool // variables that macros made
	lookUps   []lookUp        // of fields in lists
	converts  []conversion
	node      int32 // in the program
	failed    bool
}

// lookUp is a field looked up in a list.
type lookUp struct {
	field  Field
	list   string
	offset int // in the condition, in characters
}

// bare is a word that is no field, and was probably meant as a text: DE, visa_debit.
var bare = regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`)

// functions are what a condition may call, with the way an analyst writes them.
var functions = map[string]string{
	operators.LogicalAnd: "&&", operators.LogicalOr: "||", operators.LogicalNot: "!",
	operators.Equals: "==", operators.NotEquals: "!=", operators.Less: "<", operators.LessEquals: "<=",
	operators.Greater: ">", operators.GreaterEquals: ">=", operators.In: "in", operators.Add: "+",
	operators.Subtract: "-", operators.Multiply: "*", operators.Divide: "/", operators.Modulo: "%",
	operators.Negate: "-", operators.Index: "[]",
	"startsWith": "startsWith", "endsWith": "endsWith", "contains": "contains", "matches": "matches", "size": "size",
	"known": "known", "to": "to",
}

// parseCondition parses a draft's condition and checks the names it uses. all are the fields of every stage.
func parseCondition(env *cel.Env, fields, all []Field, d *draft) *condition {
	c := &condition{draft: d, fields: fields, all: all, reads: map[string]bool{}, asks: map[string]bool{}, constants: map[string]bool{}}
	parsed, issues := env.Parse(d.When)
	if issues.Err() != nil {
		for _, e := range issues.Errors() {
			plain, syntax := plainSyntaxError(e.Message)
			if syntax && c.failed {
				continue // what follows from the first
			}
			hint := macroHint(plain)
			if syntax {
				hint = syntaxHint(d.When)
			}
			c.failAt(c.offset(e.Location.Line(), e.Location.Column()), hint, "%s", plain)
		}
		return c
	}
	c.parsed = parsed
	c.walk(parsed.NativeRep().Expr())
	if text, err := cel.AstToString(parsed); err == nil {
		c.text = text
	}
	return c
}

func (c *condition) failAt(offset int, hint, format string, args ...any) {
	c.failed = true
	at := c.at["when"]
	if c.whenNode == nil { // a construct's own condition
		c.source.fail(at, hint, format, args...)
		return
	}
	if places := c.source.textPlaces(c.whenNode, c.When); offset >= 0 && offset < len(places) {
		at = places[offset]
	}
	c.source.fail(at, hint, format, args...)
}

func (c *condition) fail(e ast.Expr, hint, format string, args ...any) {
	c.failAt(c.start(e), hint, format, args...)
}

// offset is the place in the condition, in characters, of a line (from 1) and column (from 0).
func (c *condition) offset(line, column int) int {
	for i, text := range strings.Split(c.When, "\n") {
		if i+1 == line {
			return min(column, utf8.RuneCountInString(text)) + c.lineStart(i)
		}
	}
	return -1
}

func (c *condition) lineStart(line int) int {
	start := 0
	for _, text := range strings.Split(c.When, "\n")[:line] {
		start += utf8.RuneCountInString(text) + 1
	}
	return start
}

// start is where an expression begins. CEL places a call at its parenthesis or operator and a selection at its point.
func (c *condition) start(e ast.Expr) int {
	switch e.Kind() {
	case ast.SelectKind:
		return c.start(e.AsSelect().Operand())
	case ast.CallKind:
		call := e.AsCall()
		if call.IsMemberFunction() {
			return c.start(call.Target())
		}
		if _, named := functions[call.FunctionName()]; !named || isWord(call.FunctionName()) {
			break
		}
		if args := call.Args(); len(args) == 2 {
			return c.start(args[0])
		}
	}
	location := c.parsed.NativeRep().SourceInfo().GetStartLocation(e.ID())
	offset := c.offset(location.Line(), location.Column())
	runes := []rune(c.When)
	if offset > 0 && offset < len(runes) && runes[offset] == '(' {
		for offset > 0 && isWordRune(runes[offset-1]) {
			offset--
		}
	}
	return offset
}

func isWord(s string) bool { return s != "" && isWordRune(rune(s[0])) && s[0] != '_' }

func isWordRune(r rune) bool {
	return r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// walk checks the names and the form of an expression and collects what it reads.
func (c *condition) walk(e ast.Expr) {
	switch e.Kind() {
	case ast.IdentKind, ast.SelectKind:
		c.name(e)
	case ast.CallKind:
		c.call(e)
	case ast.ListKind:
		for _, element := range e.AsList().Elements() {
			if element.Kind() != ast.LiteralKind {
				c.fail(element, "", "a list in a condition holds only texts and whole numbers")
				continue
			}
			c.walk(element)
		}
	case ast.LiteralKind:
		switch v := e.AsLiteral().(type) {
		case types.String:
			if holdsCardNumber(string(v)) {
				c.fail(e, "use a BIN or a fingerprint", "a card number must not stand in a rule file")
			}
		case types.Int, types.Bool:
		case types.Double:
			c.fail(e, `write amounts as money("10.50 EUR")`, "numbers with a decimal point are not supported")
		default:
			c.fail(e, "", "only texts, whole numbers, true and false may stand in a condition")
		}
	default:
		c.fail(e, "", "this part of CEL is not supported in a rule")
	}
}

// name checks a field name or a constant that a macro made.
func (c *condition) name(e ast.Expr) {
	path := dotted(e)
	if path == "" {
		if e.Kind() == ast.SelectKind {
			c.walk(e.AsSelect().Operand())
		}
		return
	}
	if strings.HasPrefix(path, "@") {
		c.constants[path] = true
		return
	}
	if f, ok := c.fieldOf(e); ok {
		if f.Type == TypeTexts && path == f.Name {
			c.fail(e, fmt.Sprintf("write %s[\"name\"]", f.Name), "%s holds several values", f.Name)
			return
		}
		c.read(f)
		return
	}
	c.unknownField(e, path)
}

// dotted is the name that a chain of selections spells, "" where it is none.
func dotted(e ast.Expr) string {
	switch e.Kind() {
	case ast.IdentKind:
		return e.AsIdent()
	case ast.SelectKind:
		if operand := dotted(e.AsSelect().Operand()); operand != "" {
			return operand + "." + e.AsSelect().FieldName()
		}
	}
	return ""
}

// read notes that the condition reads a field.
func (c *condition) read(f Field) {
	c.reads[f.Name] = true
	c.failed = c.failed || f.broken
}

func (c *condition) unknownField(e ast.Expr, path string) {
	for i := range c.all {
		if f := &c.all[i]; f.is(path) {
			problem, hint := f.notAt(c.Stage)
			c.fail(e, hint, "%s", problem)
			return
		}
	}
	if name, ok := strings.CutPrefix(path, velocityPrefix); ok {
		c.fail(e, suggest(name, velocityNames(c.fields)), "no velocity definition is named %q", name)
		return
	}
	if path == "features" || strings.HasPrefix(path, "features.") {
		c.fail(e, "define it under velocity, and read velocity.NAME", "unknown field %q", path)
		return
	}
	if bare.MatchString(path) {
		c.fail(e, fmt.Sprintf("a text stands in quotes: write %q", path), "unknown field %q", path)
		return
	}
	c.fail(e, cmp.Or(suggest(path, fieldNames(c.fields)), "weir rules fields lists all that there are"), "unknown field %q", path)
}

// fieldOf is the field that an expression reads.
func (c *condition) fieldOf(e ast.Expr) (Field, bool) {
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.Index {
		return c.fieldOf(e.AsCall().Args()[0])
	}
	path := dotted(e)
	for _, f := range c.fields {
		if f.is(path) {
			return f, true
		}
	}
	return Field{}, false
}

// is tells whether a path names the field, or one of its values by name.
func (f *Field) is(path string) bool {
	return path == f.Name || f.Type == TypeTexts && strings.HasPrefix(path, f.Name+".")
}

func (c *condition) call(e ast.Expr) {
	call := e.AsCall()
	function := call.FunctionName()
	if _, ok := functions[function]; !ok {
		c.unknownFunction(e, function)
		return
	}
	if call.IsMemberFunction() {
		c.walk(call.Target())
	}
	args := call.Args()
	switch function {
	case "known":
		if len(args) == 1 {
			c.known(args[0])
			return
		}
	case operators.Index:
		if f, ok := c.fieldOf(args[0]); ok && f.Type == TypeTexts {
			if _, literal := textLiteral(args[1]); !literal {
				c.fail(args[1], "", "the name in [] must be a text in quotes")
			}
			c.read(f)
			return
		}
	case operators.Equals, operators.NotEquals:
		c.comparison(e, args)
	case operators.In:
		c.membership(args)
	case "matches":
		c.pattern(args)
	case "to":
		c.conversion(e)
	}
	for _, a := range args {
		c.walk(a)
	}
}

func (c *condition) unknownFunction(e ast.Expr, function string) {
	hint := ""
	switch function {
	case "has":
		hint = "known(card.country) is true where the field is not missing"
	case operators.Conditional:
		hint = "write (a && b) || (!a && c)"
	case "and", "or", "not":
		hint = wordHint(function)
	default:
		names := []string{"list", "limit", "money", "duration"}
		for name, written := range functions {
			if name == written {
				names = append(names, name)
			}
		}
		hint = suggest(function, names)
	}
	if written, ok := map[string]string{operators.Conditional: "? :"}[function]; ok {
		function = written
	}
	if _, number := map[string]bool{"list": true, "limit": true, "money": true, "duration": true}[function]; number {
		c.fail(e, fmt.Sprintf("write %s(\"…\")", function), "%s() takes one text in quotes", function)
		return
	}
	c.fail(e, hint, "unknown function %q", function)
}

// known reads a field without minding that it is missing.
func (c *condition) known(arg ast.Expr) {
	f, ok := c.fieldOf(arg)
	if !ok {
		if path := dotted(arg); path != "" {
			c.unknownField(arg, path)
			return
		}
		c.fail(arg, "", "known() takes a field, such as known(card.country)")
		return
	}
	c.asks[f.Name] = true
	c.failed = c.failed || f.broken
	if f.Type == TypeTexts && dotted(arg) == f.Name {
		c.fail(arg, fmt.Sprintf("write %s[\"name\"]", f.Name), "%s holds several values", f.Name)
	}
}

// comparison checks a == b and a != b: neither the same on both sides, nor a field with what it can never be.
func (c *condition) comparison(e ast.Expr, args []ast.Expr) {
	if a, b := dotted(args[0]), dotted(args[1]); a != "" && a == b {
		c.fail(e, "compare it with another field, or with a value", "both sides of the comparison are the same, so it never depends on the payment")
		return
	}
	if e.AsCall().FunctionName() == operators.NotEquals && (c.isMoney(args[0]) || c.isMoney(args[1])) {
		// CEL makes "not equal" true of what cannot be compared; of amounts in two currencies that would be silent.
		c.fail(e, "write !(payment.amount == money(\"10.00 EUR\"))", "amounts are not compared with !=")
		return
	}
	for i := range args {
		if f, ok := c.fieldOf(args[i]); ok {
			c.literal(f, args[1-i])
		}
	}
}

func (c *condition) isMoney(e ast.Expr) bool {
	if f, ok := c.fieldOf(e); ok {
		return f.Type == TypeMoney
	}
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == "to" {
		return true
	}
	name := dotted(e)
	return strings.HasPrefix(name, moneyPrefix) || strings.HasPrefix(name, limitPrefix)
}

// literal checks a text that a field is compared with.
func (c *condition) literal(f Field, e ast.Expr) {
	text, ok := textLiteral(e)
	if !ok || f.literal == nil || f.Type != TypeText || holdsCardNumber(text) {
		return
	}
	if wrong := f.literal(text); wrong != "" {
		c.fail(e, wrong, "%s can never equal %q", f.Name, text)
	}
}

// membership checks a in [...] and a in list("…").
func (c *condition) membership(args []ast.Expr) {
	f, isField := c.fieldOf(args[0])
	switch right := args[1]; right.Kind() {
	case ast.ListKind:
		seen := map[string]bool{}
		for _, element := range right.AsList().Elements() {
			if isField {
				c.literal(f, element)
			}
			if text, ok := textLiteral(element); ok {
				if seen[text] {
					c.fail(element, "", "%q stands in the list twice", text)
				}
				seen[text] = true
			}
		}
		if len(right.AsList().Elements()) == 0 {
			c.fail(right, "", "nothing is in an empty list")
		}
	case ast.IdentKind:
		list, ok := strings.CutPrefix(right.AsIdent(), listPrefix)
		if !ok {
			c.fail(right, `write list("name") or ["a", "b"]`, "in needs a list on its right")
		} else if isField {
			c.lookUps = append(c.lookUps, lookUp{f, list, c.start(args[0])})
		}
	default:
		c.fail(right, `write list("name") or ["a", "b"]`, "in needs a list on its right")
	}
}

// pattern checks a regular expression once, so that evaluating cannot fail on it.
func (c *condition) pattern(args []ast.Expr) {
	p := args[len(args)-1]
	text, ok := textLiteral(p)
	if !ok {
		c.fail(p, "", "matches() takes a pattern in quotes")
		return
	}
	if _, err := regexp.Compile(text); err != nil {
		c.fail(p, "", "%s", err)
	}
}

// names lists what a set of names holds, in order.
func sortedNames(set map[string]bool) []string {
	names := make([]string, 0, len(set))
	for n := range set {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}
