// Command generate writes the generated documents below the directory that it is given.
package main

import (
	"fmt"
	"os"

	"github.com/weirhq/weir/internal/reference"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: generate DIRECTORY")
		os.Exit(2)
	}
	files, err := reference.All()
	if err == nil {
		err = reference.Write(os.Args[1], files)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
