package house

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	maxCodeLines = 450
	maxTestLines = 700
)

// goFile is one parsed file of ours that no tool has generated.
type goFile struct {
	path  string // from the root of the module
	lines int
	test  bool
	file  *ast.File
}

func files(t *testing.T) (*token.FileSet, []goFile) {
	t.Helper()
	set := token.NewFileSet()
	var found []goFile
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules") {
			return filepath.SkipDir
		}
		if entry.IsDir() || filepath.Ext(name) != ".go" {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(set, path, text, parser.ParseComments)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, path)
		if err == nil && !ast.IsGenerated(parsed) {
			found = append(found, goFile{filepath.ToSlash(relative), bytes.Count(text, []byte("\n")), strings.HasSuffix(name, "_test.go"), parsed})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 50 {
		t.Fatalf("%d files found; the test looks in the wrong place", len(found))
	}
	return set, found
}

// TestSource parses everything once.
func TestSource(t *testing.T) {
	set, all := files(t)
	t.Run("files are short", func(t *testing.T) { filesAreShort(t, all) })
	t.Run("no init functions", func(t *testing.T) { noInitFunctions(t, set, all) })
	t.Run("no floats for money", func(t *testing.T) { noFloatsForMoney(t, set, all) })
	t.Run("no mutable package state", func(t *testing.T) { noMutablePackageState(t, set, all) })
}

func filesAreShort(t *testing.T, all []goFile) {
	for _, f := range all {
		limit := maxCodeLines
		if f.test {
			limit = maxTestLines
		}
		if f.lines > limit {
			t.Errorf("%s has %d lines, want at most %d: it answers more than one question", f.path, f.lines, limit)
		}
	}
}

func noInitFunctions(t *testing.T, set *token.FileSet, all []goFile) {
	for _, f := range all {
		for _, declaration := range f.file.Decls {
			if function, ok := declaration.(*ast.FuncDecl); ok && function.Recv == nil && function.Name.Name == "init" {
				t.Errorf("%s: init runs behind everybody's back; call what it does", set.Position(function.Pos()))
			}
		}
	}
}

// noFloatsForMoney: packages that hold amounts do not know floating-point numbers, in types and in literals.
func noFloatsForMoney(t *testing.T, set *token.FileSet, all []goFile) {
	money := []string{"topics", "ledger", "rules", "processors/aml/behaviour", "processors/aml/graph", "processors/payments/lifecycle", "processors/payments/links", "processors/payments/payouts", "processors/payments/wallets", "processors/payments/view", "processors/psp/adyen", "processors/psp/generic", "processors/psp/sandbox", "processors/psp/stripe", "api/idempotency"}
	for _, f := range all {
		// What draws by chance holds no amounts.
		if path := filepath.ToSlash(filepath.Dir(f.path)); f.test || !within(path, money...) || within(path, "rules/routing/draw") {
			continue
		}
		ast.Inspect(f.file, func(node ast.Node) bool {
			switch node := node.(type) {
			case *ast.Ident:
				if node.Name == "float64" || node.Name == "float32" {
					t.Errorf("%s: %s in a package that holds amounts", set.Position(node.Pos()), node.Name)
				}
			case *ast.BasicLit:
				if node.Kind == token.FLOAT {
					t.Errorf("%s: %s in a package that holds amounts", set.Position(node.Pos()), node.Value)
				}
			}
			return true
		})
	}
}

// noMutablePackageState: no function changes a package-level variable, an element or a field of one. What a method
// of one changes is not seen here.
func noMutablePackageState(t *testing.T, set *token.FileSet, all []goFile) {
	variables := map[string]map[string]bool{} // by directory
	for _, f := range all {
		dir := filepath.Dir(f.path)
		if variables[dir] == nil {
			variables[dir] = map[string]bool{}
		}
		for _, declaration := range f.file.Decls {
			group, ok := declaration.(*ast.GenDecl)
			if !ok || group.Tok != token.VAR {
				continue
			}
			for _, spec := range group.Specs {
				for _, name := range spec.(*ast.ValueSpec).Names {
					variables[dir][name.Name] = name.Name != "_" // an assertion that a type has methods
				}
			}
		}
	}
	for _, f := range all {
		names := variables[filepath.Dir(f.path)]
		ast.Inspect(f.file, func(node ast.Node) bool {
			for _, target := range changed(node) {
				if name := base(target); name != nil && names[name.Name] && isPackageLevel(name, f.file) {
					t.Errorf("%s: %s is a variable of the package; hand it over instead", set.Position(name.Pos()), name.Name)
				}
			}
			return true
		})
	}
}

// changed lists the expressions that a statement assigns to.
func changed(node ast.Node) []ast.Expr {
	switch node := node.(type) {
	case *ast.AssignStmt:
		if node.Tok != token.DEFINE {
			return node.Lhs
		}
	case *ast.IncDecStmt:
		return []ast.Expr{node.X}
	case *ast.CallExpr:
		if function, ok := node.Fun.(*ast.Ident); ok && (function.Name == "delete" || function.Name == "clear") && len(node.Args) > 0 {
			return node.Args[:1]
		}
	}
	return nil
}

// base is the variable whose value, element or field an expression is.
func base(expression ast.Expr) *ast.Ident {
	switch e := expression.(type) {
	case *ast.Ident:
		return e
	case *ast.IndexExpr:
		return base(e.X)
	case *ast.SelectorExpr:
		return base(e.X)
	case *ast.StarExpr:
		return base(e.X)
	case *ast.ParenExpr:
		return base(e.X)
	}
	return nil
}

// isPackageLevel tells whether a name is declared outside functions: the parser resolves a name to a declaration in its
// own file, and leaves one of another file open.
func isPackageLevel(name *ast.Ident, file *ast.File) bool {
	return name.Obj == nil || file.Scope.Lookup(name.Name) == name.Obj
}
