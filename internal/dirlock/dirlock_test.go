package dirlock

import "testing"

func TestASecondHolderIsRefusedUntilTheFirstLetsGo(t *testing.T) {
	dir := t.TempDir()
	first, err := Take(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Take(dir); err == nil {
		t.Fatal("a held directory was given to a second holder")
	}
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	second, err := Take(dir)
	if err != nil {
		t.Fatalf("a released directory: %v", err)
	}
	if err := second.Release(); err != nil {
		t.Fatal(err)
	}
}
