package reference

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/weirhq/weir/topics"
)

// comments is what the source of the records says about them.
type comments struct {
	types  map[string]string   // by name of the type
	fields map[string]string   // by Type.Field
	values map[string][]string // the constants of a type, in order of declaration
	means  map[string]string   // by Type.value: the comment of the constant
}

func readComments() (*comments, error) {
	c := &comments{types: map[string]string{}, fields: map[string]string{}, values: map[string][]string{}, means: map[string]string{}}
	files, err := fs.Glob(topics.Source(), "*.go")
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		text, err := fs.ReadFile(topics.Source(), name)
		if err != nil {
			return nil, err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments)
		if err != nil {
			return nil, fmt.Errorf("source of the records: %w", err)
		}
		for _, declaration := range file.Decls {
			if group, ok := declaration.(*ast.GenDecl); ok {
				for _, spec := range group.Specs {
					c.add(group, spec)
				}
			}
		}
	}
	return c, nil
}

func (c *comments) add(group *ast.GenDecl, spec ast.Spec) {
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		c.types[spec.Name.Name] = comment(spec.Doc, group.Doc)
		if structure, ok := spec.Type.(*ast.StructType); ok {
			for _, field := range structure.Fields.List {
				for _, name := range field.Names {
					c.fields[spec.Name.Name+"."+name.Name] = comment(field.Doc, field.Comment)
				}
			}
		}
	case *ast.ValueSpec:
		kind, ok := spec.Type.(*ast.Ident)
		if !ok || group.Tok != token.CONST || len(spec.Values) != 1 {
			return
		}
		literal, ok := spec.Values[0].(*ast.BasicLit)
		if !ok {
			return
		}
		if value, err := strconv.Unquote(literal.Value); err == nil {
			c.values[kind.Name] = append(c.values[kind.Name], value)
			c.means[kind.Name+"."+value] = comment(spec.Doc, spec.Comment)
		}
	}
}

// comment is the first comment that is not empty, on one line.
func comment(groups ...*ast.CommentGroup) string {
	for _, group := range groups {
		if text := strings.Join(strings.Fields(group.Text()), " "); text != "" {
			return text
		}
	}
	return ""
}

// lookup is the comment of a type, or of one of its fields where a name is given; fields are called by their JSON names.
func (c *comments) lookup(t reflect.Type, field string) string {
	if field == "" {
		return c.types[t.Name()]
	}
	text := c.fields[t.Name()+"."+field]
	for i := range t.NumField() {
		name := t.Field(i).Name
		if json := jsonName(t.Field(i)); strings.Contains(text, name) {
			text = regexp.MustCompile(`\b`+name+`\b`).ReplaceAllLiteralString(text, json)
		}
	}
	return text
}

// valuesDoc lists what the values of a type mean.
func (c *comments) valuesDoc(t reflect.Type) string {
	var lines []string
	for _, value := range c.values[t.Name()] {
		if meaning := c.means[t.Name()+"."+value]; meaning != "" {
			lines = append(lines, "\n- "+value+": "+meaning)
		}
	}
	return strings.Join(lines, "")
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}
