# A V2 request by R's curl. Prints the answer.
port <- commandArgs(trailingOnly = TRUE)[1]
body <- '{"inputs":[{"name":"input-0","datatype":"FP64","shape":[2,4],"data":[5.1,3.5,1.4,0.2,6.7,3.0,5.2,2.3]}]}'
handle <- curl::new_handle(postfields = body)
curl::handle_setheaders(handle, "Content-Type" = "application/json")
answer <- curl::curl_fetch_memory(sprintf("http://127.0.0.1:%s/v2/models/iris-lr/infer", port), handle)
if (answer$status_code != 200) stop(rawToChar(answer$content))
cat(rawToChar(answer$content), "\n")
