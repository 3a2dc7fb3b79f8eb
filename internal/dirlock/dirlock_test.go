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

func TestHeld(t *testing.T) {
	dir := t.TempDir()
	want := func(want bool) {
		t.Helper()
		if held, err := Held(dir); err != nil || held != want {
			t.Errorf("held is %v, %v, want %v", held, err, want)
		}
	}
	want(false)
	lock, err := Take(dir)
	if err != nil {
		t.Fatal(err)
	}
	want(true)
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	want(false)
}
