#pragma once
// Tokens that no decision may know: made up when they are sent.

#include "reconcilers/model/document.h"
#include "reconcilers/model/result.h"

namespace ray_gitops::kubernetes {

// The Secret with a token of 32 random bytes, as base64 text, in place of each empty value of its
// `data`. Internal when the system has no random bytes.
Result<Document> with_made_tokens(const Document& secret);

}  // namespace ray_gitops::kubernetes
