// Generate writes the files that are made from the parts of the OpenAPI document into
// the working directory, compressed.
package main

import (
	"log"
	"os"

	"tocsin/internal/openapi/parts"
)

func main() {
	files, err := parts.Files()
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range files {
		if err := os.WriteFile(f.Name+".gz", f.Packed(), 0o644); err != nil {
			log.Fatal(err)
		}
	}
}
